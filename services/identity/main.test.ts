import { spawn } from "node:child_process"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { freePorts } from "#shared/servers/Ports.ts"
import { Backing } from "#shared/testing/Backing.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { instanceEnvironment, novaEnvironment } from "./testing/TestIdentity.ts"

interface Ended {
  readonly code: number | null
  readonly errors: string
}

/** The program as a process, killed with the scope if it still runs then. */
const spawned = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [join(import.meta.dirname, "main.ts")], { env: { ...environment } })),
      (running) => Effect.sync(() => running.kill("SIGKILL")),
    )
    const errors: Array<string> = []
    child.stderr.on("data", (text) => void errors.push(String(text)))
    const ended: Effect.Effect<Ended> = Effect.callback((resume) => {
      const end = (code: number | null) => resume(Effect.succeed({ code, errors: errors.join("") }))
      if (child.exitCode === null) child.once("close", end)
      else end(child.exitCode)
    })
    return { child, ended }
  })

const environments = Effect.gen(function* () {
  const { url } = yield* TestDatabase
  const { nats } = yield* Backing
  const [httpPort = 0, grpcPort = 0] = yield* freePorts(2)
  const common = { DATABASE_URL: Redacted.value(url), HTTP_PORT: String(httpPort), SERVER_PORT: String(grpcPort) }
  const health = (path: string, port = httpPort) =>
    eventually(
      Effect.flatMap(
        Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}${path}`)),
        (response) => (response.ok ? Effect.promise(() => response.text()) : Effect.fail(response.status)),
      ),
    )
  return {
    nova: { ...novaEnvironment, ...common, NATS_URL: nats },
    instance: { ...instanceEnvironment, ...common },
    health,
    grpcPort,
  }
})

layer(Layer.merge(TestDatabase.migrated("identity"), Backing.layer), { excludeTestServices: true })(
  "the identity program",
  (it) => {
    it.effect.each(["nova", "instance"] as const)("starts as %s, is healthy, and stops in order", (role) =>
      Effect.gen(function* () {
        const { health, grpcPort, ...variables } = yield* environments
        const { child, ended } = yield* spawned(variables[role])
        assert.strictEqual(yield* health("/health"), "OK")
        assert.include(yield* health("/ready", grpcPort), '"postgres":"ok"')
        child.kill("SIGTERM")
        assert.deepStrictEqual(yield* ended, { code: 0, errors: "" })
      }),
    )

    it.effect("says in one sentence why it cannot start", () =>
      Effect.gen(function* () {
        const { nova } = yield* environments
        const { ended } = yield* spawned({ ...nova, IDENTITY_ROLE: "both" })
        assert.deepStrictEqual(yield* ended, {
          code: 1,
          errors: 'identity cannot start: IDENTITY_ROLE is malformed: expected "nova" | "instance".\n',
        })
      }),
    )
  },
)
