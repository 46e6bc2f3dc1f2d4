import { fromBinary } from "@bufbuild/protobuf"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { IdentityEventSchema, LoginMethod } from "#gen/authsome/identity/v1/events_pb.ts"
import type { LoginResponse } from "#gen/authsome/identity/v1/session_pb.ts"
import { sha256 } from "#shared/crypto/digest.ts"
import * as Server from "#shared/rpc/Server.ts"
import { shown, wrong } from "../testing/TestAuthenticator.ts"
import { identityClient } from "../testing/TestClient.ts"
import { Logged, novaEnvironment, running, started } from "../testing/TestIdentity.ts"

const password = "correct horse battery"
const client = { ipAddress: "", userAgent: "radio/1" }

const register = Effect.fnUntraced(function* (username: string) {
  const identity = yield* identityClient
  const email = `${username}@example.com`
  const { user } = yield* identity.register({ username, email, password })
  return { identity, email, id: user?.id ?? "" }
})

/** An account that takes codes; the step before this one is used up. */
const enrolled = Effect.fnUntraced(function* (username: string) {
  const { identity, email, id } = yield* register(username)
  const { secret, ...enrolment } = yield* identity.enrollTotp({ userId: id })
  const confirmedBy = yield* shown(secret, -1)
  const { recoveryCodes } = yield* identity.confirmTotp({ userId: id, code: confirmedBy })
  return { identity, email, id, secret, confirmedBy, recoveryCodes, ...enrolment }
})

const challengeOf = ({ outcome }: LoginResponse) =>
  outcome.case === "totpChallenge" ? outcome.value.challengeToken : `no challenge but ${outcome.case}`

const challenged = Effect.fnUntraced(function* (identifier: string) {
  const identity = yield* identityClient
  return challengeOf(yield* identity.login({ identifier, password, client }))
})

const answer = Effect.fnUntraced(function* (challengeToken: string, code: string) {
  const identity = yield* identityClient
  return yield* identity.verifyTotp({ challengeToken, code, client })
})

const reasonOf = <A, E extends { readonly reason: string }, R>(refused: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(refused), ({ reason }) => reason)

/** As if the last code had been used long ago, and nobody had guessed since. */
const later = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    UPDATE users SET totp_last_step = totp_last_step - 100, failed_login_attempts = 0, locked_until = NULL
    WHERE id = ${id}::uuid`
})

const eventsAbout = Effect.fnUntraced(function* (userId: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly payload: Uint8Array }>`
    SELECT payload FROM outbox WHERE aggregate = ${userId} ORDER BY position`
  return rows.map(({ payload }) => fromBinary(IdentityEventSchema, payload).kind)
})

const mailsTo = Effect.fnUntraced(function* (userId: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly kind: string }>`
    SELECT kind FROM mails WHERE user_id = ${userId}::uuid ORDER BY created_at`
  return rows.map(({ kind }) => kind).filter((kind) => kind !== "emailVerification")
})

layer(running(novaEnvironment), { excludeTestServices: true })("codes by gRPC", (it) => {
  it.effect("are asked for once an enrolment is confirmed, and start the session", () =>
    Effect.gen(function* () {
      const { identity, email, id, secret, otpauthUri, qrCodeSvg, recoveryCodes } = yield* enrolled("ada")
      assert.strictEqual(otpauthUri, `otpauth://totp/Nova:ada%40example.com?secret=${secret}&issuer=Nova`)
      assert.match(qrCodeSvg, /^<svg /)
      assert.strictEqual(new Set(recoveryCodes).size, 10)
      const before = yield* identity.getUser({ userId: id })
      assert.isTrue(before.user?.totpEnabled)
      assert.isUndefined(before.user?.lastLoginAt)
      const token = yield* challenged(email)
      assert.isUndefined((yield* identity.getUser({ userId: id })).user?.lastLoginAt)
      const { user, tokens, recoveryCodesLeft } = yield* answer(token, yield* shown(secret))
      assert.strictEqual(user?.id, id)
      assert.isDefined(user?.lastLoginAt)
      assert.isUndefined(recoveryCodesLeft)
      assert.isTrue((yield* identity.verifyToken({ token: tokens?.accessToken ?? "" })).valid)
      const events = yield* eventsAbout(id)
      assert.deepStrictEqual(
        events.map((event) => event.case),
        ["userRegistered", "userLoggedIn"],
      )
      const value = { userId: id, sessionId: tokens?.sessionId ?? "", method: LoginMethod.TOTP }
      assert.deepInclude(events[1]?.value, value)
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`
        SELECT action, peer, user_agent FROM security_audit_log WHERE user_id = ${id}::uuid ORDER BY occurred_at, id`
      assert.deepStrictEqual(rows, [
        { action: "user.registered", peer: "tests", userAgent: "" },
        { action: "user.totp_enabled", peer: "tests", userAgent: "" },
        { action: "user.logged_in", peer: "tests", userAgent: "radio/1" },
      ])
      assert.deepStrictEqual(yield* mailsTo(id), ["totpEnabled"])
    }),
  )

  it.effect("are not asked for before the enrolment is confirmed", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("grace")
      const userId = id
      assert.strictEqual(yield* reasonOf(identity.confirmTotp({ userId, code: "000000" })), "TOKEN_INVALID")
      const first = yield* identity.enrollTotp({ userId })
      const second = yield* identity.enrollTotp({ userId })
      assert.notStrictEqual(first.secret, second.secret)
      assert.strictEqual((yield* identity.login({ identifier: email, password })).outcome.case, "signedIn")
      assert.isFalse((yield* identity.getUser({ userId })).user?.totpEnabled)
      const dropped = yield* shown(first.secret)
      assert.strictEqual(yield* reasonOf(identity.confirmTotp({ userId, code: dropped })), "INVALID_CREDENTIALS")
      const code = yield* shown(second.secret)
      assert.lengthOf((yield* identity.confirmTotp({ userId, code })).recoveryCodes, 10)
      assert.strictEqual(yield* reasonOf(identity.confirmTotp({ userId, code })), "TOTP_ENABLED")
      assert.strictEqual(yield* reasonOf(identity.enrollTotp({ userId })), "TOTP_ENABLED")
      const nobody = "01890a5d-ac96-774b-bcce-b302099a8057"
      assert.strictEqual(yield* reasonOf(identity.enrollTotp({ userId: nobody })), "USER_NOT_FOUND")
      assert.strictEqual(yield* reasonOf(identity.disableTotp({ userId: nobody, code })), "USER_NOT_FOUND")
    }),
  )

  it.effect("work once, not even where they confirmed the enrolment, and no earlier one after a later one", () =>
    Effect.gen(function* () {
      const { email, secret, confirmedBy } = yield* enrolled("edsger")
      assert.strictEqual(yield* reasonOf(answer(yield* challenged(email), confirmedBy)), "INVALID_CREDENTIALS")
      const [now, next] = [yield* shown(secret), yield* shown(secret, 1)]
      yield* answer(yield* challenged(email), next)
      for (const used of [next, now]) {
        assert.strictEqual(yield* reasonOf(answer(yield* challenged(email), used)), "INVALID_CREDENTIALS")
      }
    }),
  )

  it.effect("are taken one step early and late, and no further", () =>
    Effect.gen(function* () {
      const { email, id, secret } = yield* enrolled("barbara")
      for (const away of [-1, 0, 1]) {
        yield* later(id)
        yield* answer(yield* challenged(email), yield* shown(secret, away))
      }
      yield* later(id)
      for (const away of [-2, 2]) {
        const refused = reasonOf(answer(yield* challenged(email), yield* shown(secret, away)))
        assert.strictEqual(yield* refused, "INVALID_CREDENTIALS")
      }
    }),
  )

  it.effect("let one in of several who have the same one at the same time", () =>
    Effect.gen(function* () {
      const { email, id, secret, recoveryCodes } = yield* enrolled("donald")
      const [one = ""] = recoveryCodes
      for (const code of [yield* shown(secret), one]) {
        yield* later(id)
        const tokens = yield* Effect.forEach([1, 2, 3, 4], () => challenged(email))
        const outcomes = yield* Effect.forEach(tokens, (token) => Effect.exit(answer(token, code)), { concurrency: 4 })
        assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "Success").length, 1)
      }
      yield* later(id)
      const [token, code] = [yield* challenged(email), yield* shown(secret)]
      const outcomes = yield* Effect.forEach([1, 2, 3, 4], () => Effect.exit(answer(token, code)), { concurrency: 4 })
      assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "Success").length, 1)
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql`SELECT count(*)::int AS sessions FROM sessions WHERE user_id = ${id}::uuid`
      assert.deepStrictEqual(row, { sessions: 4 }, "one by the sign-up, three by codes")
    }),
  )

  it.effect("can be replaced by recovery codes, each once, whatever their dashes and case", () =>
    Effect.gen(function* () {
      const { identity, email, id, recoveryCodes } = yield* enrolled("hedy")
      const [first = "", second = "", third = ""] = recoveryCodes
      const typed = [first, second.toUpperCase(), third.replaceAll("-", "")]
      for (const [index, code] of typed.entries()) {
        const { recoveryCodesLeft } = yield* answer(yield* challenged(email), code)
        assert.strictEqual(recoveryCodesLeft, 9 - index)
      }
      assert.strictEqual(yield* reasonOf(answer(yield* challenged(email), first)), "INVALID_CREDENTIALS")
      assert.strictEqual(yield* reasonOf(answer(yield* challenged(email), "nonsense")), "INVALID_CREDENTIALS")
      const methods = (yield* eventsAbout(id)).map((event) =>
        event.case === "userLoggedIn" ? event.value.method : event.case,
      )
      assert.deepStrictEqual(methods, ["userRegistered", ...typed.map(() => LoginMethod.RECOVERY_CODE)])
      assert.deepStrictEqual(yield* mailsTo(id), ["totpEnabled", ...typed.map(() => "recoveryCodeUsed")])

      const { recoveryCodes: fresh } = yield* identity.regenerateRecoveryCodes({
        userId: id,
        code: recoveryCodes[3] ?? "",
      })
      assert.lengthOf(fresh, 10)
      assert.strictEqual(
        yield* reasonOf(answer(yield* challenged(email), recoveryCodes[4] ?? "")),
        "INVALID_CREDENTIALS",
      )
      assert.strictEqual((yield* answer(yield* challenged(email), fresh[0] ?? "")).recoveryCodesLeft, 9)
      assert.include(yield* mailsTo(id), "recoveryCodesReplaced")
    }),
  )

  it.effect("are asked for by challenges that are good for one sign-in, for some minutes, for who asked", () =>
    Effect.gen(function* () {
      const { identity, email, id, secret } = yield* enrolled("alan")
      const sql = yield* SqlClient.SqlClient
      const response = yield* identity.login({ identifier: email, password, client })
      const expiresAt = response.outcome.case === "totpChallenge" ? response.outcome.value.expiresAt : undefined
      const [row] = yield* sql<{ readonly seconds: number }>`
        SELECT (${Number(expiresAt?.seconds)}::float8 - extract(epoch FROM now()))::int AS seconds`
      assert.closeTo(row?.seconds ?? 0, 300, 30)
      const token = challengeOf(response)

      const elsewhere = { ipAddress: "", userAgent: "television/1" }
      const code = yield* shown(secret)
      for (const other of [elsewhere, undefined]) {
        const stolen = identity.verifyTotp({
          challengeToken: token,
          code,
          ...(other === undefined ? {} : { client: other }),
        })
        assert.strictEqual(yield* reasonOf(stolen), "TOKEN_INVALID")
      }
      yield* answer(token, code)
      yield* later(id)
      assert.strictEqual(yield* reasonOf(answer(token, yield* shown(secret))), "TOKEN_INVALID")
      assert.strictEqual(yield* reasonOf(answer("unknown", yield* shown(secret))), "TOKEN_INVALID")

      const changes = {
        expired: sql`UPDATE totp_challenges SET expires_at = now() WHERE user_id = ${id}::uuid`,
        "a new password": sql`UPDATE users SET password_hash = 'another' WHERE id = ${id}::uuid`,
        suspended: sql`UPDATE users SET is_active = false WHERE id = ${id}::uuid`,
        deleted: sql`UPDATE users SET deleted_at = now() WHERE id = ${id}::uuid`,
      }
      const [account] = yield* sql<{ readonly hash: string }>`
        SELECT password_hash AS hash FROM users WHERE id = ${id}::uuid`
      for (const [why, change] of Object.entries(changes)) {
        yield* later(id)
        const opened = yield* challenged(email)
        yield* change
        assert.strictEqual(yield* reasonOf(answer(opened, yield* shown(secret))), "TOKEN_INVALID", why)
        yield* sql`
          UPDATE users SET password_hash = ${account?.hash ?? ""}, is_active = true, deleted_at = NULL
          WHERE id = ${id}::uuid`
      }
      yield* later(id)
      yield* answer(yield* challenged(email), yield* shown(secret))
    }),
  )

  it.effect("lock the account when too many are wrong, and a right password in between does not help", () =>
    Effect.gen(function* () {
      const { identity, email, id, secret } = yield* enrolled("niklaus")
      const bad = yield* wrong(secret)
      const tokens = yield* Effect.forEach([1, 2, 3], () => challenged(email))
      for (const token of tokens.slice(0, 2)) {
        for (const code of [bad, "0000-0000-0000-0000"]) {
          assert.strictEqual(yield* reasonOf(answer(token, code)), "INVALID_CREDENTIALS")
        }
        yield* challenged(email)
      }
      yield* Effect.flip(identity.login({ identifier: email, password: "wrong" }))
      const locked = yield* Effect.flip(answer(tokens[2] ?? "", yield* shown(secret)))
      assert.deepStrictEqual([locked._tag, locked.reason], ["ResourceExhausted", "ACCOUNT_LOCKED"])
      assert.closeTo(locked.retryAfterMs ?? 0, 30_000, 10_000)
      const code = yield* shown(secret)
      const reasons = [
        yield* reasonOf(identity.login({ identifier: email, password, client })),
        yield* reasonOf(identity.disableTotp({ userId: id, code })),
        yield* reasonOf(identity.regenerateRecoveryCodes({ userId: id, code })),
      ]
      assert.deepStrictEqual(new Set(reasons), new Set(["ACCOUNT_LOCKED"]))
      yield* later(id)
      yield* answer(yield* challenged(email), yield* shown(secret))
      assert.strictEqual((yield* identity.getUser({ userId: id })).user?.failedLoginAttempts, 0)
    }),
  )

  it.effect("are judged five times a challenge, however many come at the same time", () =>
    Effect.gen(function* () {
      const { email, id, secret } = yield* enrolled("tony")
      const bad = yield* wrong(secret)
      const token = yield* challenged(email)
      const reasons = yield* Effect.forEach(Array.from({ length: 12 }), () => reasonOf(answer(token, bad)), {
        concurrency: 12,
      })
      assert.strictEqual(reasons.filter((reason) => reason === "INVALID_CREDENTIALS").length, 5)
      assert.strictEqual(reasons.filter((reason) => reason === "TOKEN_INVALID").length, 7)
      yield* later(id)
      assert.strictEqual(yield* reasonOf(answer(token, yield* shown(secret))), "TOKEN_INVALID")

      const tokens = yield* Effect.forEach(Array.from({ length: 12 }), () => challenged(email))
      const guesses = yield* Effect.forEach(tokens, (each) => reasonOf(answer(each, bad)), { concurrency: 12 })
      assert.strictEqual(guesses.filter((reason) => reason === "INVALID_CREDENTIALS").length, 5, "then it is locked")
    }),
  )

  it.effect("are turned off by a code, and everything that belongs to them is gone", () =>
    Effect.gen(function* () {
      const { identity, email, id, secret, recoveryCodes } = yield* enrolled("leslie")
      const pending = yield* challenged(email)
      const bad = yield* wrong(secret)
      assert.strictEqual(yield* reasonOf(identity.disableTotp({ userId: id, code: bad })), "INVALID_CREDENTIALS")
      const code = yield* shown(secret)
      yield* identity.disableTotp({ userId: id, code })
      assert.strictEqual(yield* reasonOf(identity.disableTotp({ userId: id, code })), "TOTP_DISABLED")
      const again = identity.regenerateRecoveryCodes({ userId: id, code })
      assert.strictEqual(yield* reasonOf(again), "TOTP_DISABLED")
      assert.strictEqual((yield* identity.login({ identifier: email, password })).outcome.case, "signedIn")
      assert.strictEqual(yield* reasonOf(answer(pending, recoveryCodes[0] ?? "")), "TOKEN_INVALID")
      const sql = yield* SqlClient.SqlClient
      const [left] = yield* sql`
        SELECT totp_secret, totp_last_step, totp_enabled, (SELECT count(*)::int FROM recovery_codes
          WHERE user_id = ${id}::uuid) AS codes FROM users WHERE id = ${id}::uuid`
      assert.deepStrictEqual(left, { totpSecret: null, totpLastStep: null, totpEnabled: false, codes: 0 })
      assert.deepStrictEqual(yield* mailsTo(id), ["totpEnabled", "totpDisabled"])
      const { secret: second } = yield* identity.enrollTotp({ userId: id })
      yield* identity.confirmTotp({ userId: id, code: yield* shown(second, -1) })
      yield* answer(yield* challenged(email), yield* shown(second))
    }),
  )

  it.effect("are judged by any process over the database", () =>
    Effect.gen(function* () {
      const { email, secret } = yield* enrolled("frances")
      const token = yield* challenged(email)
      const other = yield* Layer.build(Layer.fresh(started(novaEnvironment)))
      const listening = Context.get(other, Server.Listening)
      const { user } = yield* Effect.provideService(answer(token, yield* shown(secret)), Server.Listening, listening)
      assert.strictEqual(user?.email, email)
      assert.strictEqual(yield* reasonOf(answer(token, yield* shown(secret, 1))), "TOKEN_INVALID")
    }),
  )

  it.effect("come from a secret that is sealed with the key of today as soon as it is used", () =>
    Effect.gen(function* () {
      const { email, id, secret } = yield* enrolled("allen")
      const keys = `today:${Buffer.alloc(32, 9).toString("base64")},${novaEnvironment.SEALING_KEYS}`
      const rotated = yield* Layer.build(Layer.fresh(started({ ...novaEnvironment, SEALING_KEYS: keys })))
      const signIn = Effect.gen(function* () {
        yield* later(id)
        yield* answer(yield* challenged(email), yield* shown(secret))
        const sql = yield* SqlClient.SqlClient
        const [row] = yield* sql<{
          readonly sealed: string
        }>`SELECT totp_secret AS sealed FROM users WHERE id = ${id}::uuid`
        return row?.sealed.split(".")[1]
      }).pipe(Effect.provideService(Server.Listening, Context.get(rotated, Server.Listening)))
      assert.deepStrictEqual([yield* signIn, yield* signIn], ["today", "today"])
    }),
  )

  it.effect("come from a secret that is sealed for its account, and leave no trace in database or log", () =>
    Effect.gen(function* () {
      const { identity, email, id, secret, recoveryCodes, otpauthUri } = yield* enrolled("margaret")
      const other = yield* enrolled("kathleen")
      const sql = yield* SqlClient.SqlClient
      const token = yield* challenged(email)
      yield* answer(token, yield* shown(secret))
      const [row] = yield* sql<{
        readonly sealed: string
      }>`SELECT totp_secret AS sealed FROM users WHERE id = ${id}::uuid`
      assert.match(row?.sealed ?? "", /^v1\.test\./)
      const rows = yield* sql<{ readonly text: string }>`
        SELECT to_jsonb(u)::text AS text FROM users u UNION ALL SELECT to_jsonb(c)::text FROM recovery_codes c
        UNION ALL SELECT to_jsonb(t)::text FROM totp_challenges t UNION ALL SELECT to_jsonb(o)::text FROM outbox o
        UNION ALL SELECT to_jsonb(m)::text FROM mails m UNION ALL SELECT to_jsonb(s)::text FROM security_audit_log s`
      const text = [...rows.map((each) => each.text), ...(yield* Logged)].join()
      const plain = recoveryCodes.map((each) => each.replaceAll("-", ""))
      const hashes = plain.map((each) => sha256(each).toString("hex"))
      for (const hidden of [secret, otpauthUri, token, password, ...recoveryCodes, ...plain, ...hashes]) {
        assert.notInclude(text, hidden)
      }
      yield* sql`UPDATE users SET totp_secret = ${row?.sealed ?? ""} WHERE id = ${other.id}::uuid`
      const copied = reasonOf(identity.disableTotp({ userId: other.id, code: yield* shown(secret, 1) }))
      assert.strictEqual(yield* copied, "INTERNAL")
    }),
  )
})
