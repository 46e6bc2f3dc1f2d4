import { spawn } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "../testing/eventually.ts"

/** Starts the fixture with exactly this environment. */
const start = (environment: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [join(import.meta.dirname, "fixtures/launched.ts")], {
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
      })
      const output = { stdout: "", stderr: "" }
      child.stdout.on("data", (chunk) => {
        output.stdout += chunk
      })
      child.stderr.on("data", (chunk) => {
        output.stderr += chunk
      })
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
      return { child, output, ended: Effect.promise(() => ended) }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL")),
  )

/** Starts it, and waits until it says that it is up. */
const started = (environment: Record<string, string>) =>
  Effect.tap(start(environment), ({ output }) =>
    eventually(Effect.suspend(() => (output.stdout.includes('"started"') ? Effect.void : Effect.fail(output)))),
  )

describe("a start that fails", () => {
  it.live("for want of a variable names it in one sentence", () =>
    Effect.gen(function* () {
      const { output, ended } = yield* start({ BEHAVIOUR: "configure" })
      assert.strictEqual(yield* ended, 1)
      assert.deepStrictEqual(output, { stdout: "", stderr: "fixture cannot start: DATABASE_URL is missing.\n" })
    }),
  )

  it.live("for a malformed variable says what it should be, and does not show it", () =>
    Effect.gen(function* () {
      const cases = {
        DATABASE_URL: ["mysql://user:hunter2@host/db", "a URL that begins with postgres:// or postgresql://"],
        HTTP_PORT: ["eighty", "a port, 0 to 65535"],
        LOG_LEVEL: ["chatty", "one of trace, debug, info, warn, error, fatal, none"],
        BEHAVIOUR: ["dance", '"serve" | "hang" | "configure" | "fail" | "reject"'],
      }
      for (const [name, [value = "", expected]] of Object.entries(cases)) {
        const environment = { BEHAVIOUR: "configure", DATABASE_URL: "postgres://localhost/db", [name]: value }
        const { output, ended } = yield* start(environment)
        assert.strictEqual(yield* ended, 1)
        assert.strictEqual(output.stderr, `fixture cannot start: ${name} is malformed: expected ${expected}.\n`)
        assert.strictEqual(output.stdout, "")
      }
    }),
  )

  it.live("for any other reason says so in one sentence, and leaves the cause in the log", () =>
    Effect.gen(function* () {
      const { output, ended } = yield* start({ BEHAVIOUR: "fail" })
      assert.strictEqual(yield* ended, 1)
      assert.strictEqual(output.stderr, "fixture cannot start: Error: the door is locked.\n")
      assert.include(output.stdout, '"level":"fatal"')
    }),
  )
})

describe("a process", () => {
  it.live("that is told to stop reports not ready, releases what it has, and ends well", () =>
    Effect.gen(function* () {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const { child, output, ended } = yield* started({ BEHAVIOUR: "serve" })
        child.kill(signal)
        child.kill(signal)
        assert.strictEqual(yield* ended, 0)
        assert.include(output.stdout, '"message":"released","data":{"ready":false}')
        assert.strictEqual(output.stderr, "")
      }
    }),
  )

  it.live("that cannot stop within its grace says so and ends badly", () =>
    Effect.gen(function* () {
      const { child, output, ended } = yield* started({ BEHAVIOUR: "hang", SHUTDOWN_GRACE: "100 millis" })
      child.kill("SIGTERM")
      assert.strictEqual(yield* ended, 1)
      assert.strictEqual(output.stderr, "fixture did not stop within 100ms.\n")
    }),
  )

  it.live("with a rejection that nobody handles logs it and ends badly", () =>
    Effect.gen(function* () {
      const { output, ended } = yield* start({ BEHAVIOUR: "reject" })
      assert.strictEqual(yield* ended, 1)
      assert.match(output.stdout, /"level":"fatal".*"message":"unhandled rejection".*nobody listens/)
    }),
  )
})
