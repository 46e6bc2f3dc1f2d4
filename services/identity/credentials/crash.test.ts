import { spawn } from "node:child_process"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import { Backing } from "#shared/testing/Backing.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { letterTo, tokenIn } from "../testing/Letters.ts"
import { meshKey, novaEnvironment } from "../testing/TestIdentity.ts"

const main = join(import.meta.dirname, "..", "main.ts")
const password = "correct horse battery"

/** A process of the program over the database of the test, ready, and a client of it. */
const spawned = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>>) {
  const { url } = yield* TestDatabase
  const { nats } = yield* Backing
  const [httpPort = 0, grpcPort = 0] = yield* freePorts(2)
  const env = {
    ...{ ...novaEnvironment, DATABASE_URL: Redacted.value(url), NATS_URL: nats },
    ...{ HTTP_PORT: String(httpPort), SERVER_PORT: String(grpcPort), ...environment },
  }
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [main], { env, stdio: "ignore" })),
    (running) => Effect.sync(() => running.kill("SIGKILL")),
  )
  const ready = Effect.tryPromise(() => fetch(`http://127.0.0.1:${grpcPort}/ready`))
  yield* eventually(Effect.filterOrFail(ready, ({ ok }) => ok))
  const target = new URL(`http://127.0.0.1:${grpcPort}`)
  const channel = yield* Channel.make({ url: target, peer: "tests", internalKey: Redacted.make(meshKey) })
  return {
    identity: Client.make(IdentityService, channel),
    kill: Effect.sync(() => child.kill("SIGKILL")),
  }
})

layer(Layer.merge(TestDatabase.sql("identity"), Backing.layer), { excludeTestServices: true })(
  "a process that is killed",
  (it) => {
    it.effect("takes no mail with it, and no wrong guess", () =>
      Effect.gen(function* () {
        const email = "ada@crash.test"
        const one = yield* spawned({})
        yield* one.identity.register({ username: "ada", email, password })
        for (let count = 0; count < 3; count++) {
          yield* Effect.flip(one.identity.login({ identifier: email, password: "wrong" }))
        }
        yield* one.kill
        const { smtp } = yield* Backing
        const [two, three] = yield* Effect.all([spawned({ SMTP_URL: smtp }), spawned({ SMTP_URL: smtp })])
        const { user } = yield* two.identity.verifyEmail({
          token: tokenIn(yield* letterTo(email, "Verify your e-mail address")),
        })
        assert.isTrue(user?.emailVerified)
        for (const { identity } of [two, three]) {
          yield* Effect.flip(identity.login({ identifier: email, password: "wrong" }))
        }
        yield* two.kill
        const locked = yield* Effect.flip(three.identity.login({ identifier: email, password }))
        assert.strictEqual(locked.reason, "ACCOUNT_LOCKED")
      }).pipe(Effect.scoped),
    )
  },
)
