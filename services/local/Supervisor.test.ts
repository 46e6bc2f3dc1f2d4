import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Scope from "effect/Scope"
import { launch, readyWhen, type ServerProcess } from "#shared/servers/ServerProcess.ts"
import { make, type Start } from "./Supervisor.ts"

layer(NodeFileSystem.layer, { excludeTestServices: true })("the supervisor", (it) => {
  const story = (dir: string) =>
    Effect.flatMap(FileSystem.FileSystem, (files) =>
      Effect.orElseSucceed(files.readFileString(join(dir, "story")), () => ""),
    )
  /** A program that adds its name to a story when it is ready, and again when it is asked to stop. */
  const program = (dir: string, name: string): Start<{ readonly process: ServerProcess }> =>
    Effect.gen(function* () {
      const before = yield* story(dir)
      const script = `
        const { appendFileSync } = require("node:fs")
        process.on("SIGTERM", () => { appendFileSync("story", "-${name} "); process.exit() })
        process.on("SIGUSR2", () => { console.error("${name}: Error: out of luck"); process.exit(7) })
        appendFileSync("story", "+${name} ")
        setInterval(() => {}, 1000)`
      const running = yield* launch({
        server: name,
        command: process.execPath,
        args: ["-e", script],
        env: {},
        cwd: dir,
        log: join(dir, `${name}.log`),
        record: join(dir, `${name}.pid.json`),
      })
      yield* readyWhen(
        running,
        Effect.map(story(dir), (text) => text.length > before.length),
      )
      return { process: running }
    }).pipe(Effect.provide(NodeFileSystem.layer))
  const folder = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())

  it.effect("stops the parts in reverse order", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const scope = yield* Scope.make()
      const supervisor = yield* Scope.provide(make, scope)
      for (const name of ["a", "b", "c"]) yield* supervisor.run(name, program(dir, name))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* story(dir), "+a +b +c -c -b -a ")
    }),
  )

  it.effect("says which part ended that nobody asked to, and why", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const supervisor = yield* make
      yield* supervisor.run("a", program(dir, "a"))
      const { process: unlucky } = yield* supervisor.run("b", program(dir, "b"))
      yield* unlucky.signal("SIGUSR2")
      const failure = yield* Effect.flip(supervisor.died)
      assert.strictEqual(failure.message, `b ended with code 7: b: Error: out of luck (log: ${join(dir, "b.log")})`)
    }),
  )

  it.effect("lets a part be killed, started again and restarted without taking it for a failure", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const supervisor = yield* make
      yield* supervisor.run("a", program(dir, "a"))
      const died = yield* Effect.forkChild(supervisor.died)
      const first = supervisor.pid("a")
      yield* supervisor.kill("a", "SIGKILL")
      assert.strictEqual(supervisor.pid("a"), 0)
      yield* supervisor.start("a")
      assert.notStrictEqual(supervisor.pid("a"), first)
      yield* supervisor.restart("a")
      assert.strictEqual(yield* story(dir), "+a +a -a +a ")
      assert.isUndefined(died.pollUnsafe())
      yield* Fiber.interrupt(died)
    }),
  )
})
