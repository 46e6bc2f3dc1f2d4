import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { isAlive, recorded } from "../runtime/ProcessIdentity.ts"
import { type Launch, launch, readyWhen } from "./ServerProcess.ts"

/** What a program of these tests does when it is ready: it says so in a file. */
const ready = 'require("node:fs").writeFileSync("ready", ""); setInterval(() => {}, 1000);'

layer(NodeFileSystem.layer, { excludeTestServices: true })("a server process", (it) => {
  const options = (script: string) =>
    Effect.map(
      Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped()),
      (cwd): Launch => ({
        server: "sample",
        command: process.execPath,
        args: ["-e", script],
        env: { ONLY: "this" },
        cwd,
        log: join(cwd, "logs", "sample.log"),
        record: join(cwd, "run", "sample.pid.json"),
      }),
    )
  const isReady = (cwd: string) =>
    Effect.flatMap(FileSystem.FileSystem, (files) => Effect.orDie(files.exists(join(cwd, "ready"))))

  it.effect("is remembered while it runs, stopped with its scope, and forgotten", () =>
    Effect.gen(function* () {
      const how = yield* options(ready)
      const scope = yield* Scope.make()
      const server = yield* Scope.provide(launch(how), scope)
      yield* readyWhen(server, isReady(how.cwd))
      const identity = yield* Effect.flatMap(recorded(how.record), Effect.fromOption)
      assert.strictEqual(identity.pid, server.pid)
      assert.isTrue(yield* isAlive(identity))
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(yield* isAlive(identity))
      assert.isTrue(Option.isNone(yield* recorded(how.record)))
      assert.deepStrictEqual(yield* server.ended, { code: null, signal: "SIGTERM" })
    }),
  )

  it.effect("is killed, with what it started, when it does not stop in its time", () =>
    Effect.gen(function* () {
      const how = yield* options(`process.on("SIGTERM", () => {}); ${ready}`)
      const scope = yield* Scope.make()
      const server = yield* Scope.provide(launch({ ...how, stopWithin: "50 millis" }), scope)
      yield* readyWhen(server, isReady(how.cwd))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* server.ended, { code: null, signal: "SIGKILL" })
    }),
  )

  it.effect("that ends before it is ready fails at once, with its code and what it said", () =>
    Effect.gen(function* () {
      const how = yield* options('console.error("sample cannot start: PORT is missing."); process.exit(3)')
      const server = yield* launch(how)
      const failure = yield* Effect.flip(readyWhen(server, Effect.succeed(false)))
      assert.strictEqual(
        failure.message,
        `sample ended with code 3: sample cannot start: PORT is missing. (log: ${how.log})`,
      )
    }),
  )

  it.effect("gets of our environment only what it is given", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const how = yield* options("console.log(JSON.stringify(Object.keys(process.env)))")
      const server = yield* launch(how)
      yield* server.ended
      assert.strictEqual(yield* files.readFileString(how.log), '["ONLY"]\n')
    }),
  )

  it.effect("whose program is not there fails with a sentence", () =>
    Effect.gen(function* () {
      const how = yield* options("")
      const failure = yield* Effect.flip(launch({ ...how, command: "/nowhere/sample" }))
      assert.strictEqual(failure.message, "sample could not be run: spawn /nowhere/sample ENOENT")
    }),
  )
})
