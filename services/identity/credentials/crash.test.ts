import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Backing } from "#shared/testing/Backing.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { letterTo, tokenIn } from "../testing/Letters.ts"
import { spawned } from "../testing/SpawnedClient.ts"
import { novaEnvironment } from "../testing/TestIdentity.ts"

const password = "correct horse battery"

layer(Layer.merge(TestDatabase.sql("identity"), Backing.layer), { excludeTestServices: true })(
  "a process that is killed",
  (it) => {
    it.effect("takes no mail with it, and no wrong guess", () =>
      Effect.gen(function* () {
        const email = "ada@crash.test"
        const one = yield* spawned(novaEnvironment)
        yield* one.identity.register({ username: "ada", email, password })
        for (let count = 0; count < 3; count++) {
          yield* Effect.flip(one.identity.login({ identifier: email, password: "wrong" }))
        }
        yield* one.kill
        const { smtp } = yield* Backing
        const sending = spawned({ ...novaEnvironment, SMTP_URL: smtp })
        const [two, three] = yield* Effect.all([sending, sending])
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
