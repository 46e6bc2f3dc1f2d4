/** Where nobody signs in before they have shown that mail to their address reaches them. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { call, outcome } from "../testing/EndUsers.ts"
import { countingHashes, lettersTo, letterTo, tokenIn } from "../testing/Letters.ts"
import { password, recordedOf } from "../testing/People.ts"
import { identityClient } from "../testing/TestClient.ts"
import { instanceEnvironment, novaEnvironment, running } from "../testing/TestIdentity.ts"

const verify = "Verify your e-mail address"
const required = { REQUIRE_VERIFIED_EMAIL: "true" }

const sessionsOf = (userId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return (yield* sql`SELECT 1 FROM sessions WHERE user_id = ${userId}::uuid`).length
  })

layer(running({ ...instanceEnvironment, ...required }), { excludeTestServices: true })(
  "an instance that wants verified addresses",
  (it) => {
    const domain = "verified.test"
    const signUp = (email: string, text = password) =>
      call("POST", "/auth/signup", { body: { email, password: text, name: "Ada" } })
    const signIn = (email: string, text = password) =>
      outcome("POST", "/auth/signin", { body: { email, password: text } })

    it.effect("signs nobody in before that, and everybody after it", () =>
      Effect.gen(function* () {
        const email = `ada@${domain}`
        const { status, json } = yield* signUp(email)
        assert.strictEqual(status, 201)
        assert.notProperty(json, "session")
        assert.include(json.user, { email, emailVerified: false })
        assert.deepStrictEqual(yield* signIn(email), [409, "email_unverified"])
        const token = tokenIn(yield* letterTo(email, verify))
        assert.deepStrictEqual(yield* outcome("POST", "/auth/verify-email/complete", { body: { token } }), [200, ""])
        assert.deepStrictEqual(yield* signIn(email), [200, ""])
      }),
    )

    it.effect("says so only to who knows the password, which is no wrong guess", () =>
      Effect.gen(function* () {
        const email = `bob@${domain}`
        yield* signUp(email)
        assert.deepStrictEqual(yield* signIn(email, "another password"), [401, "invalid_credentials"])
        for (let again = 0; again < 6; again++) {
          assert.deepStrictEqual(yield* signIn(email), [409, "email_unverified"])
        }
        assert.deepStrictEqual(yield* signIn(email, "another password"), [401, "invalid_credentials"])
      }),
    )

    it.effect("answers the sign-up of a taken address as it answers any other", () =>
      Effect.gen(function* () {
        const free = yield* countingHashes(signUp(`free@${domain}`))
        const taken = yield* countingHashes(signUp(`FREE@${domain}`, "another password"))
        assert.deepStrictEqual([taken.value.status, taken.hashes], [free.value.status, free.hashes])
        assert.deepStrictEqual(Object.keys(taken.value.json), Object.keys(free.value.json))
        assert.deepStrictEqual(Object.keys(taken.value.json.user), Object.keys(free.value.json.user))
        yield* letterTo(`free@${domain}`, "You have an account already")
        assert.lengthOf(yield* lettersTo(`free@${domain}`, verify), 1)
      }),
    )
  },
)

layer(running({ ...novaEnvironment, ...required }), { excludeTestServices: true })(
  "an identity service that wants verified addresses",
  (it) => {
    it.effect("gives tokens to who has verified theirs", () =>
      Effect.gen(function* () {
        const identity = yield* identityClient
        const email = "grace@verified-nova.test"
        const { user, tokens } = yield* identity.register({ username: "grace", email, password })
        const id = user?.id ?? ""
        assert.deepStrictEqual([tokens, yield* sessionsOf(id)], [undefined, 0])
        for (const identifier of [email, "grace"]) {
          const refused = yield* Effect.flip(identity.login({ identifier, password }))
          assert.include(refused, { _tag: "FailedPrecondition", reason: "EMAIL_UNVERIFIED" })
        }
        // The password is right all the same.
        assert.isTrue((yield* identity.verifyPassword({ userId: id, password })).valid)
        yield* identity.verifyEmail({ token: tokenIn(yield* letterTo(email, verify)) })
        const { outcome: login } = yield* identity.login({ identifier: "grace", password })
        assert.strictEqual(login.case, "signedIn")
        const actions = (yield* recordedOf(id)).map(({ action }) => action)
        assert.deepStrictEqual(actions, ["user.registered", "user.email_verified", "user.logged_in"])
      }),
    )
  },
)
