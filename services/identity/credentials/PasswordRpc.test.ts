import { assert, layer } from "@effect/vitest"
import { hash } from "@node-rs/argon2"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { SessionEnd } from "#gen/authsome/identity/v1/events_pb.ts"
import { allSent, countingHashes, lettersTo, letterTo, tokenIn } from "../testing/Letters.ts"
import { eventsAbout, password, recordedOf, registered } from "../testing/People.ts"
import { identityClient } from "../testing/TestClient.ts"
import { Logged, novaEnvironment, running } from "../testing/TestIdentity.ts"

const newPassword = "a new horse battery"
const client = { ipAddress: "203.0.113.9", userAgent: "tests/1" }
const nobody = "01890a5d-ac96-774b-bcce-b302099a8057"
const register = registered("passwords.test")

const reset = "Choose a new password"
const changed = "Your password was changed"

layer(running({ ...novaEnvironment, MAIL_LINK_URL: "https://nova.test/account/" }), { excludeTestServices: true })(
  "passwords of IdentityService",
  (it) => {
    it.effect("are judged without a session", () =>
      Effect.gen(function* () {
        const { identity, id } = yield* register("ada")
        const verdict = (guess: string) =>
          Effect.map(identity.verifyPassword({ userId: id.toUpperCase(), password: guess }), ({ valid }) => valid)
        assert.deepStrictEqual([yield* verdict("wrong"), yield* verdict(password)], [false, true])
        const { user } = yield* identity.getUser({ userId: id })
        assert.strictEqual(user?.failedLoginAttempts, 0)
        const unknown = yield* Effect.flip(identity.verifyPassword({ userId: nobody, password }))
        assert.strictEqual(unknown.reason, "USER_NOT_FOUND")
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE users SET is_active = false WHERE id = ${id}::uuid`
        assert.isFalse(yield* verdict(password))
      }),
    )

    it.effect("are replaced by who knows the one so far: the other sessions end, and the person is told", () =>
      Effect.gen(function* () {
        const { identity, id, email, sessionId, access } = yield* register("grace")
        const login = yield* identity.login({ identifier: email, password })
        const other = login.outcome.case === "signedIn" ? login.outcome.value.tokens : undefined
        const change = { userId: id, currentPassword: password, newPassword, keepSessionId: sessionId, client }
        const { value, hashes } = yield* countingHashes(identity.changePassword(change))
        assert.deepStrictEqual([value.revokedSessions, hashes], [1, 2])
        assert.isTrue((yield* identity.verifyToken({ token: access })).valid)
        assert.isFalse((yield* identity.verifyToken({ token: other?.accessToken ?? "" })).valid)
        const old = yield* Effect.flip(identity.login({ identifier: email, password }))
        assert.strictEqual(old.reason, "INVALID_CREDENTIALS")
        yield* identity.login({ identifier: email, password: newPassword })
        const { user } = yield* identity.getUser({ userId: id })
        assert.isDefined(user?.passwordChangedAt)

        const [, , revoked, event] = yield* eventsAbout(id)
        assert.deepInclude(revoked?.value, { sessionId: other?.sessionId ?? "", reason: SessionEnd.PASSWORD_CHANGED })
        assert.strictEqual(event?.case, "passwordChanged")
        assert.deepInclude(event?.value, { userId: id, byReset: false })
        const [, , recorded] = yield* recordedOf(id)
        assert.deepInclude(recorded, { action: "user.password_changed", ...client })
        const letter = yield* letterTo(email, changed)
        assert.include(letter, "https://nova.test/account/forgot-password")
      }),
    )

    it.effect("end every session where none is to go on, another's too", () =>
      Effect.gen(function* () {
        const { identity, id, access } = yield* register("edsger")
        const stranger = yield* register("wybe")
        const change = { userId: id, currentPassword: password, newPassword, keepSessionId: stranger.sessionId }
        const { revokedSessions } = yield* identity.changePassword(change)
        assert.strictEqual(revokedSessions, 1)
        assert.isFalse((yield* identity.verifyToken({ token: access })).valid)
        assert.isTrue((yield* identity.verifyToken({ token: stranger.access })).valid)
      }),
    )

    it.effect("are not replaced by who does not know the one so far, and that counts", () =>
      Effect.gen(function* () {
        const { identity, id, email, access } = yield* register("barbara")
        const before = yield* eventsAbout(id)
        const wrong = yield* Effect.flip(
          identity.changePassword({ userId: id, currentPassword: "wrong", newPassword, client }),
        )
        assert.deepStrictEqual([wrong._tag, wrong.reason], ["Unauthenticated", "INVALID_CREDENTIALS"])
        const { user } = yield* identity.getUser({ userId: id })
        assert.strictEqual(user?.failedLoginAttempts, 1)
        const unknown = yield* Effect.flip(
          identity.changePassword({ userId: nobody, currentPassword: password, newPassword }),
        )
        assert.strictEqual(unknown.reason, "USER_NOT_FOUND")
        assert.isTrue((yield* identity.verifyToken({ token: access })).valid)
        assert.lengthOf(yield* eventsAbout(id), before.length)
        yield* allSent
        assert.deepStrictEqual(yield* lettersTo(email, changed), [])
      }),
    )

    it.effect("are replaced by who has read the mail, once: every session ends, and a lock is lifted", () =>
      Effect.gen(function* () {
        const { identity, id, email, access } = yield* register("donald")
        for (const address of [email.toUpperCase(), email])
          yield* identity.requestPasswordReset({ email: address, client })
        const first = tokenIn(yield* letterTo(email, reset, 1))
        const letter = yield* letterTo(email, reset, 2)
        assert.include(letter, "https://nova.test/account/reset-password?token=")
        const sql = yield* SqlClient.SqlClient
        yield* sql`
          UPDATE users SET failed_login_attempts = 9, locked_until = now() + interval '1 hour' WHERE id = ${id}::uuid`
        const request = { token: tokenIn(letter), newPassword, client }
        const [one, two] = yield* Effect.all(
          [Effect.result(identity.resetPassword(request)), Effect.result(identity.resetPassword(request))],
          { concurrency: 2 },
        )
        const refused = one._tag === "Failure" ? one.failure : two._tag === "Failure" ? two.failure : undefined
        const answered = one._tag === "Success" ? one.success : two._tag === "Success" ? two.success : undefined
        assert.deepStrictEqual(
          [answered?.userId, refused?._tag, refused?.reason],
          [id, "Unauthenticated", "TOKEN_INVALID"],
        )
        for (const token of [first, request.token, "nonsense", "x".repeat(512)]) {
          const { value, hashes } = yield* countingHashes(Effect.flip(identity.resetPassword({ token, newPassword })))
          assert.deepStrictEqual([value.reason, hashes], ["TOKEN_INVALID", 0])
        }
        assert.isFalse((yield* identity.verifyToken({ token: access })).valid)
        yield* identity.login({ identifier: email, password: newPassword })
        const { user } = yield* identity.getUser({ userId: id })
        assert.deepInclude(user, { failedLoginAttempts: 0 })
        assert.isUndefined(user?.lockedUntil)

        const events = yield* eventsAbout(id)
        const event = events.find((each) => each.case === "passwordChanged")
        assert.deepInclude(event?.value, { userId: id, byReset: true })
        const actions = (yield* recordedOf(id)).map(({ action }) => action)
        assert.deepStrictEqual(actions, [
          "user.registered",
          ...["user.password_reset_requested", "user.password_reset_requested"],
          ...["user.password_reset", "user.logged_in"],
        ])
        yield* letterTo(email, changed)
      }),
    )

    it.effect("are not replaced by a token whose time is over, or whose account is gone", () =>
      Effect.gen(function* () {
        const { identity, id, email } = yield* register("niklaus")
        yield* identity.requestPasswordReset({ email })
        const token = tokenIn(yield* letterTo(email, reset))
        const sql = yield* SqlClient.SqlClient
        const refusal = Effect.map(Effect.flip(identity.resetPassword({ token, newPassword })), ({ reason }) => reason)
        yield* sql`UPDATE users SET deleted_at = now() WHERE id = ${id}::uuid`
        assert.strictEqual(yield* refusal, "TOKEN_INVALID")
        yield* sql`UPDATE users SET deleted_at = NULL WHERE id = ${id}::uuid`
        yield* sql`
          UPDATE password_reset_tokens SET created_at = created_at - interval '1 hour',
            expires_at = expires_at - interval '1 hour'
          WHERE user_id = ${id}::uuid`
        assert.strictEqual(yield* refusal, "TOKEN_INVALID")
      }),
    )

    it.effect("tell by no reset who has an account: as many rows are written, and no password is hashed", () =>
      Effect.gen(function* () {
        const { identity, email } = yield* register("hedy")
        const deleted = yield* register("kiesler")
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE users SET deleted_at = now() WHERE id = ${deleted.id}::uuid`
        yield* allSent
        const rows = Effect.map(
          sql`
            SELECT (SELECT count(*) FROM mails)::int AS mails, (SELECT count(*) FROM password_reset_tokens)::int AS tokens,
              (SELECT count(*) FROM security_audit_log)::int AS recorded, (SELECT count(*) FROM outbox)::int AS events`,
          ([row]) => Object.entries(row ?? {}),
        )
        const asked = Effect.fnUntraced(function* (address: string) {
          const before = new Map(yield* rows)
          const { value, hashes } = yield* countingHashes(identity.requestPasswordReset({ email: address, client }))
          const written = (yield* rows).map(([table, count]) => [table, Number(count) - Number(before.get(table))])
          return { value, hashes, written: Object.fromEntries(written) }
        })
        const known = yield* asked(email)
        assert.deepStrictEqual(known.written, { mails: 1, tokens: 1, recorded: 1, events: 0 })
        for (const address of ["nobody@passwords.test", deleted.email]) {
          assert.deepStrictEqual(yield* asked(address), known)
        }
        yield* letterTo(email, reset)
        yield* allSent
        for (const address of ["nobody@passwords.test", deleted.email]) {
          assert.deepStrictEqual(yield* lettersTo(address, reset), [])
        }
      }),
    )

    it.effect("send nobody more mails for a reset than are good", () =>
      Effect.gen(function* () {
        const { identity, email } = yield* register("radia")
        for (let count = 0; count < 7; count++) yield* identity.requestPasswordReset({ email })
        yield* letterTo(email, reset, 5)
        yield* allSent
        assert.lengthOf(yield* lettersTo(email, reset), 5)
      }),
    )

    it.effect("are hashed again by today's parameters, wherever a right one comes", () =>
      Effect.gen(function* () {
        const { identity, id, email } = yield* register("alan")
        const sql = yield* SqlClient.SqlClient
        const weak = yield* Effect.promise(() => hash(password, { memoryCost: 8192, timeCost: 1, parallelism: 1 }))
        const stored = Effect.map(
          sql<{ readonly passwordHash: string }>`SELECT password_hash FROM users WHERE id = ${id}::uuid`,
          ([row]) => row?.passwordHash ?? "",
        )
        for (const use of [
          identity.login({ identifier: email, password }),
          identity.verifyPassword({ userId: id, password }),
        ]) {
          yield* sql`UPDATE users SET password_hash = ${weak} WHERE id = ${id}::uuid`
          yield* use
          assert.match(yield* stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
        }
        assert.isTrue((yield* identity.verifyPassword({ userId: id, password })).valid)
      }),
    )

    it.effect("are refused where they are too short or too long, before anything is hashed", () =>
      Effect.gen(function* () {
        const { identity, id } = yield* register("leslie")
        const token = "x".repeat(43)
        for (const [bad, fits] of [
          ["1234567", "12345678"],
          ["x".repeat(257), "x".repeat(256)],
          ["🐎".repeat(7), "🐎".repeat(8)],
          ["🐎".repeat(257), "🐎".repeat(256)],
        ] as const) {
          const change = identity.changePassword({ userId: id, currentPassword: password, newPassword: bad })
          const { value, hashes } = yield* countingHashes(Effect.flip(change))
          assert.deepStrictEqual([value.reason, value.violations?.[0]?.field], ["INVALID_REQUEST", "new_password"])
          const resetting = yield* Effect.flip(identity.resetPassword({ token, newPassword: bad }))
          assert.deepStrictEqual([resetting.reason, hashes], ["INVALID_REQUEST", 0])
          const kept = yield* Effect.flip(identity.resetPassword({ token, newPassword: fits }))
          assert.strictEqual(kept.reason, "TOKEN_INVALID")
        }
        yield* identity.changePassword({ userId: id, currentPassword: password, newPassword: "🐎".repeat(256) })
        assert.isTrue((yield* identity.verifyPassword({ userId: id, password: "🐎".repeat(256) })).valid)
      }),
    )

    it.effect("refuse what is malformed, with the field", () =>
      Effect.gen(function* () {
        const identity = yield* identityClient
        const change = { userId: nobody, currentPassword: password, newPassword }
        for (const [call, field] of [
          [identity.verifyPassword({ userId: "nonsense", password }), "user_id"],
          [identity.verifyPassword({ userId: nobody, password: "" }), "password"],
          [identity.verifyPassword({ userId: nobody, password: "x".repeat(257) }), "password"],
          [identity.verifyPassword({ userId: nobody, password, client: { ipAddress: "x" } }), "client.ip_address"],
          [identity.changePassword({ ...change, currentPassword: "" }), "current_password"],
          [identity.changePassword({ ...change, keepSessionId: "x" }), "keep_session_id"],
          [identity.requestPasswordReset({ email: "nonsense" }), "email"],
          [identity.resetPassword({ token: "", newPassword }), "token"],
          [identity.verifyEmail({ token: "x".repeat(513) }), "token"],
          [identity.requestEmailVerification({ userId: "" }), "user_id"],
        ] as const) {
          const refused = yield* Effect.flip(
            Effect.asVoid<
              unknown,
              { reason: string; violations?: ReadonlyArray<{ field: string }> | undefined },
              never
            >(call),
          )
          assert.deepStrictEqual([refused.reason, refused.violations?.[0]?.field], ["INVALID_REQUEST", field])
        }
      }),
    )

    it.effect("and tokens are in no log, and in no table as they are", () =>
      Effect.gen(function* () {
        const { identity, email } = yield* register("margaret")
        yield* identity.requestPasswordReset({ email, client })
        const token = tokenIn(yield* letterTo(email, reset))
        yield* identity.requestPasswordReset({ email, client })
        const sql = yield* SqlClient.SqlClient
        const [stored] = yield* sql<{ readonly text: string }>`
          SELECT concat((SELECT json_agg(t) FROM password_reset_tokens t), (SELECT json_agg(m) FROM mails m),
            (SELECT json_agg(a) FROM security_audit_log a)) AS text`
        const logged = (yield* Logged).join("")
        for (const secret of [email, token, password]) {
          assert.notInclude(logged, secret)
          assert.notInclude(stored?.text ?? "", secret)
        }
      }),
    )
  },
)
