import { spawn } from "node:child_process"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { identify, isAlive, record } from "#shared/runtime/ProcessIdentity.ts"
import { stopLeftovers } from "./leftovers.ts"
import { held } from "./StackLock.ts"

layer(NodeFileSystem.layer, { excludeTestServices: true })("the stack's folder", (it) => {
  const folder = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())

  it.effect("is held by one stack at a time, which leaves no trace of it", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const failure = yield* Effect.scoped(Effect.andThen(held(dir), Effect.scoped(Effect.flip(held(dir)))))
      assert.strictEqual(
        failure.message,
        `A stack already runs in ${dir} (process ${process.pid}); stop it, or set STACK_DIR and PORTS=auto for a second one`,
      )
      assert.deepStrictEqual(readdirSync(dir), [])
      yield* Effect.scoped(held(dir))
    }),
  )

  it.effect("is free again when its holder is gone, though the number is somebody else's now", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      for (const left of [`{"pid":${process.pid},"startTime":"1"}`, ""]) {
        writeFileSync(join(dir, "stack.lock.json"), left)
        yield* Effect.scoped(held(dir))
        assert.deepStrictEqual(readdirSync(dir), [])
      }
    }),
  )

  it.effect("is cleared of services, instances and servers that a killed stack left running", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const files = ["run/proxy", "run/postgres", "instances/app_x/identity", "instances/app_x/redis"]
      const left = yield* Effect.forEach(files, (file) =>
        Effect.gen(function* () {
          const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })
          const identity = yield* Effect.flatMap(identify(child.pid ?? 0), Effect.fromOption)
          yield* record(join(dir, `${file}.pid.json`), identity)
          return identity
        }),
      )
      yield* stopLeftovers(dir)
      assert.deepStrictEqual(yield* Effect.forEach(left, isAlive), [false, false, false, false])
      assert.deepStrictEqual(readdirSync(join(dir, "run")), [])
    }),
  )
})
