import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { allSent, lettersTo, letterTo, tokenIn } from "../testing/Letters.ts"
import { eventsAbout, recordedOf, registered } from "../testing/People.ts"
import { novaEnvironment, running } from "../testing/TestIdentity.ts"

const register = registered("addresses.test")
const verify = "Verify your e-mail address"

layer(running(novaEnvironment), { excludeTestServices: true })("addresses at IdentityService", (it) => {
  it.effect("are verified by the mail that comes with the account, and a repeat says the same", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("ada")
      const letter = yield* letterTo(email, verify)
      assert.include(letter, "http://localhost:3000/verify-email?token=")
      const { user } = yield* identity.verifyEmail({ token: tokenIn(letter) })
      assert.include(user, { id, emailVerified: true })
      assert.deepStrictEqual((yield* identity.verifyEmail({ token: tokenIn(letter) })).user, user)
      const [, event, ...others] = yield* eventsAbout(id)
      assert.deepInclude(event?.value, { userId: id, changedFields: ["email_verified"] })
      assert.deepStrictEqual(others, [])
      const actions = (yield* recordedOf(id)).map(({ action }) => action)
      assert.deepStrictEqual(actions, ["user.registered", "user.email_verified"])
      assert.isTrue((yield* identity.requestEmailVerification({ userId: id })).alreadyVerified)
    }),
  )

  it.effect("are verified by the newest mail alone", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("grace")
      const first = tokenIn(yield* letterTo(email, verify, 1))
      assert.isFalse((yield* identity.requestEmailVerification({ userId: id.toUpperCase() })).alreadyVerified)
      const refused = yield* Effect.flip(identity.verifyEmail({ token: first }))
      assert.deepStrictEqual([refused._tag, refused.reason], ["Unauthenticated", "TOKEN_INVALID"])
      const second = tokenIn(yield* letterTo(email, verify, 2))
      const { user } = yield* identity.verifyEmail({ token: second })
      assert.isTrue(user?.emailVerified)
    }),
  )

  it.effect("are verified by no token that is unknown, or late, or for another address or account", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("edsger")
      const token = tokenIn(yield* letterTo(email, verify))
      const sql = yield* SqlClient.SqlClient
      const reason = (text: string) =>
        Effect.map(Effect.flip(identity.verifyEmail({ token: text })), (error) => error.reason)
      for (const text of ["nonsense", id, "x".repeat(512)]) assert.strictEqual(yield* reason(text), "TOKEN_INVALID")
      const changes = [
        [
          sql`UPDATE users SET email = 'w@addresses.test' WHERE id = ${id}::uuid`,
          sql`UPDATE users SET email = ${email} WHERE id = ${id}::uuid`,
        ],
        [
          sql`UPDATE users SET deleted_at = now() WHERE id = ${id}::uuid`,
          sql`UPDATE users SET deleted_at = NULL WHERE id = ${id}::uuid`,
        ],
        [
          sql`UPDATE email_verification_tokens SET expires_at = expires_at - interval '1 day' WHERE user_id = ${id}::uuid`,
          sql`UPDATE email_verification_tokens SET expires_at = expires_at + interval '1 day' WHERE user_id = ${id}::uuid`,
        ],
      ] as const
      for (const [change, back] of changes) {
        yield* change
        assert.strictEqual(yield* reason(token), "TOKEN_INVALID")
        yield* back
      }
      const { user } = yield* identity.verifyEmail({ token })
      assert.isTrue(user?.emailVerified)
      const unknown = yield* Effect.flip(
        identity.requestEmailVerification({ userId: "01890a5d-ac96-774b-bcce-b302099a8057" }),
      )
      assert.deepStrictEqual([unknown._tag, unknown.reason], ["NotFound", "USER_NOT_FOUND"])
    }),
  )

  it.effect("get no more mails than are good, and the last one goes on working", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("barbara")
      for (let count = 0; count < 7; count++) yield* identity.requestEmailVerification({ userId: id })
      yield* letterTo(email, verify, 5)
      yield* allSent
      const letters = yield* lettersTo(email, verify)
      // Mails on the way at the same time may overtake each other.
      const answers = yield* Effect.forEach(letters, (letter) =>
        Effect.result(identity.verifyEmail({ token: tokenIn(letter) })),
      )
      assert.deepStrictEqual(answers.map(({ _tag }) => _tag).sort(), [
        ...["Failure", "Failure", "Failure", "Failure"],
        "Success",
      ])
    }),
  )
})
