import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { Redis as IoRedis } from "ioredis"
import type { LoginResponse } from "#gen/authsome/identity/v1/session_pb.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestRedis } from "#shared/testing/TestRedis.ts"
import { lettersTo, letterTo } from "../testing/Letters.ts"
import { eventsAbout } from "../testing/People.ts"
import { shown } from "../testing/TestAuthenticator.ts"
import { identityClient, request } from "../testing/TestClient.ts"
import { novaEnvironment, running, zitadelKey } from "../testing/TestIdentity.ts"
import { columnsOfUsers, occurrences, withoutRecord } from "../testing/TestTablesStore.ts"

const program = Layer.unwrap(
  Effect.map(TestRedis, ({ url }) =>
    running({ ...novaEnvironment, REDIS_URL: Redacted.value(url), CLAIMS_CACHE_TTL: "1 minute" }),
  ),
).pipe(Layer.provideMerge(TestRedis.layer))

const password = "correct horse battery"
const client = { ipAddress: "203.0.113.77", userAgent: "analytical-engine/1843" }

const tokensOf = ({ outcome }: LoginResponse) => (outcome.case === "signedIn" ? outcome.value.tokens : undefined)

const claims = (id: string) =>
  request("GET", `/internal/zitadel/user-claims/${id}`, { headers: { "x-internal-api-key": zitadelKey } })

/** Somebody who has left traces wherever one can, and everything by which they could be told. */
const traced = Effect.fnUntraced(function* (name: string) {
  const identity = yield* identityClient
  const sql = yield* SqlClient.SqlClient
  const email = `${name}.byron@erasure.test`
  const form = { username: `${name}_byron`, email, password, displayName: `Countess ${name}`, requestId: `req-${name}` }
  const { user, tokens } = yield* identity.register({ ...form, client })
  const id = user?.id ?? ""
  const profile = {
    ...{ avatarUrl: `https://cdn.erasure.test/${name}.png`, firstName: `First-${name}`, lastName: `Last-${name}` },
    ...{ bio: `Wrote notes, ${name}`, location: `St James's, ${name}` },
    phoneNumber: `+4420718387${String(id.charCodeAt(35) + 10).padStart(3, "0")}`,
  }
  yield* identity.updateUserProfile({ userId: id, ...profile })
  yield* Effect.flip(identity.login({ identifier: email, password: "wrong", client }))
  const login = tokensOf(yield* identity.login({ identifier: email, password, client }))
  yield* identity.requestPasswordReset({ email, client })
  yield* identity.requestEmailVerification({ userId: id })
  const { secret } = yield* identity.enrollTotp({ userId: id })
  yield* identity.confirmTotp({ userId: id, code: yield* shown(secret, -1) })
  yield* identity.login({ identifier: email, password, client })
  const challenge = yield* identity.login({ identifier: form.username, password, client })
  assert.strictEqual(challenge.outcome.case, "totpChallenge")
  yield* claims(id)
  yield* sql`
    INSERT INTO mails (id, kind, user_id, sealed, next_attempt_at, expires_at)
    VALUES (gen_random_uuid(), 'passwordChanged', ${id}::uuid, ${`waits for ${email}`}, now() + interval '1 hour',
      now() + interval '1 day')`
  const texts = [email, form.username, form.displayName, ...Object.values(profile), ...Object.values(client)]
  return { identity, id, email, form, profile, texts, access: tokens?.accessToken ?? "", login }
})

layer(program, { excludeTestServices: true })("the erasure of a person", (it) => {
  it.effect("leaves nothing of theirs in any table, and nothing that works", () =>
    Effect.gen(function* () {
      const { identity, id, email, form, texts, access, login } = yield* traced("ada")
      const before = yield* occurrences(texts)
      for (const table of ["users", "sessions", "security_audit_log", "mails", "email_verification_tokens"]) {
        assert.isTrue(
          before.some((found) => found.startsWith(table)),
          `the test looks into ${table}`,
        )
      }

      const { erasedAt } = yield* identity.eraseUser({ userId: id })
      assert.deepStrictEqual(yield* occurrences(texts), [])
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* columnsWithId(id), ["users.id"])
      const [kept] = yield* sql<{ readonly count: number }>`
        SELECT count(*)::int AS count FROM idempotency WHERE request_id = ${form.requestId}`
      assert.strictEqual(kept?.count, 0)
      const [row] = yield* sql`SELECT * FROM users WHERE id = ${id}::uuid`
      const { id: _, createdAt, updatedAt, deletedAt, erasedAt: noted, ...emptied } = row ?? {}
      assert.deepStrictEqual([...new Set(Object.values(emptied))].sort(), [0, false, null])

      const { url } = yield* TestRedis
      const values = yield* Effect.promise(async () => {
        const redis = new IoRedis(Redacted.value(url))
        const keys = await redis.keys(`*${id}*`)
        const found = keys.length === 0 ? [] : await redis.mget(keys)
        redis.disconnect()
        return found.join()
      })
      assert.notInclude(values, email)
      assert.strictEqual((yield* claims(id)).status, 404)
      const reasons = yield* Effect.forEach(
        [
          identity.getUser({ userId: id }),
          identity.exportUserData({ userId: id }),
          identity.login({ identifier: email, password }),
          identity.refreshToken({ refreshToken: login?.refreshToken ?? "" }),
        ],
        (refused) =>
          Effect.map(Effect.flip<unknown, { readonly reason: string }, never>(refused), ({ reason }) => reason),
      )
      assert.deepStrictEqual(reasons, ["USER_NOT_FOUND", "USER_NOT_FOUND", "INVALID_CREDENTIALS", "TOKEN_INVALID"])
      assert.isFalse((yield* identity.verifyToken({ token: access })).valid)

      assert.deepStrictEqual((yield* identity.eraseUser({ userId: id })).erasedAt, erasedAt)
      const unknown = yield* Effect.flip(identity.eraseUser({ userId: "01890a5d-ac96-774b-bcce-b302099a8057" }))
      assert.strictEqual(unknown.reason, "USER_NOT_FOUND")
    }),
  )

  it.effect("keeps what happened under one pseudonym, its own record too", () =>
    Effect.gen(function* () {
      const { identity, id } = yield* traced("grace")
      const sql = yield* SqlClient.SqlClient
      const events = sql<{ readonly id: string; readonly action: string }>`
        SELECT id, action FROM security_audit_log WHERE user_id = ${id}::uuid ORDER BY occurred_at, id`
      const before = yield* events
      assert.isAbove(before.length, 4)
      yield* identity.eraseUser({ userId: id })
      yield* identity.eraseUser({ userId: id })
      assert.deepStrictEqual(yield* events, [])
      const ids = before.map((event) => event.id)
      const after = yield* sql<{ readonly action: string; readonly pseudonym: string; readonly known: string }>`
        SELECT action, pseudonym, ip_address || user_agent AS known FROM security_audit_log
        WHERE pseudonym = (SELECT pseudonym FROM security_audit_log WHERE id = ${ids[0] ?? ""}::uuid)
        ORDER BY occurred_at, id`
      assert.deepStrictEqual(
        after.map(({ action }) => action),
        [...before.map(({ action }) => action), "user.erased"],
      )
      for (const { known, pseudonym } of after) {
        assert.strictEqual(known, "")
        assert.match(pseudonym, /^erased_[a-z2-7]{16}$/)
      }
    }),
  )

  it.effect("tells whoever keeps something, sessions first", () =>
    Effect.gen(function* () {
      const { identity, id } = yield* traced("edsger")
      const { total } = yield* identity.listSessions({ userId: id })
      const told = (yield* eventsAbout(id)).length
      yield* identity.eraseUser({ userId: id })
      yield* identity.eraseUser({ userId: id })
      const events = (yield* eventsAbout(id)).slice(told)
      assert.isAbove(total, 0)
      assert.deepStrictEqual(
        events.map((event) => event.case),
        [...Array.from({ length: total }, () => "sessionRevoked" as const), "userErased"],
      )
    }),
  )

  it.effect("frees address and username, and never the id", () =>
    Effect.gen(function* () {
      const { identity, id, form } = yield* traced("barbara")
      yield* identity.deleteUser({ userId: id })
      const taken = yield* Effect.flip(identity.register({ ...form, requestId: "" }))
      assert.strictEqual(taken.reason, "EMAIL_TAKEN")
      yield* identity.eraseUser({ userId: id })
      const { user } = yield* identity.register({ ...form, client })
      assert.include(user, { username: form.username, email: form.email, bio: "" })
      assert.notStrictEqual(user?.id, id)
      const sql = yield* SqlClient.SqlClient
      const refused = yield* Effect.flip(sql`INSERT INTO users (id, username, email) VALUES (${id}::uuid, 'b', 'b')`)
      assert.strictEqual(refused.reason._tag, "UniqueViolation")
    }),
  )

  it.effect("happens as a whole or not at all", () =>
    Effect.gen(function* () {
      const { identity, id, email, texts } = yield* traced("donald")
      const before = [yield* occurrences(texts), yield* eventsAbout(id)]
      const failed = yield* Effect.flip(withoutRecord(identity.eraseUser({ userId: id })))
      assert.strictEqual(failed._tag, "Internal")
      assert.deepStrictEqual([yield* occurrences(texts), yield* eventsAbout(id)], before)
      assert.strictEqual((yield* claims(id)).json.email, email)
    }),
  )

  it.effect("leaves nothing behind that happens at the same time", () =>
    Effect.gen(function* () {
      const identity = yield* identityClient
      const [email, username] = ["tony@erasure.test", "tony_hoare"]
      const { user } = yield* identity.register({ username, email, password, client })
      const userId = user?.id ?? ""
      const tokens = yield* Effect.forEach([1, 2, 3, 4], () =>
        Effect.map(identity.login({ identifier: email, password, client }), tokensOf),
      )
      const others = tokens.flatMap((each, index) => [
        identity.login({ identifier: username, password, client }),
        identity.logout({ token: each?.refreshToken ?? "" }),
        identity.updateUserProfile({ userId, bio: `Quick sort ${index}, by ${email}` }),
        identity.refreshToken({ refreshToken: each?.refreshToken ?? "" }),
      ])
      const erasures = [identity.eraseUser({ userId }), identity.eraseUser({ userId })]
      const [answers] = yield* Effect.all(
        [
          Effect.all(erasures, { concurrency: "unbounded" }),
          Effect.forEach(others, (other: Effect.Effect<unknown, unknown>) => Effect.ignore(other), {
            concurrency: 8,
          }),
        ],
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(answers[0]?.erasedAt, answers[1]?.erasedAt)
      assert.deepStrictEqual(yield* occurrences([email, username]), [])
      assert.deepStrictEqual(yield* columnsWithId(userId), ["users.id"])
    }),
  )

  it.effect("keeps a mail that is written at the same time from being sent", () =>
    Effect.gen(function* () {
      const identity = yield* identityClient
      const sql = yield* SqlClient.SqlClient
      const email = "edsger@erasure.test"
      const { user } = yield* identity.register({ username: "edsger", email, password, client })
      const userId = user?.id ?? ""
      const waiting = (count: number) =>
        eventually(
          Effect.filterOrFail(
            sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
            (rows) => rows.length >= count,
          ),
        )
      // The erasure comes first, and the mail is written before it is over.
      const both = yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`SELECT 1 FROM users WHERE id = ${userId}::uuid FOR UPDATE`
          const erasure = yield* Effect.forkChild(identity.eraseUser({ userId }), { startImmediately: true })
          yield* waiting(1)
          const asking = yield* Effect.forkChild(identity.requestPasswordReset({ email }), { startImmediately: true })
          yield* waiting(2)
          return [erasure, asking] as const
        }),
      )
      yield* Effect.forEach(both, (fiber) => Fiber.join<unknown, unknown>(fiber))
      yield* identity.register({ username: "after", email: "after@erasure.test", password, client })
      yield* letterTo("after@erasure.test", "Verify your e-mail address")
      assert.deepStrictEqual(yield* lettersTo(email, "Choose a new password"), [])
      const [mail] = yield* sql`SELECT kind, attempts FROM mails WHERE user_id = ${userId}::uuid`
      assert.deepStrictEqual(mail, { kind: "passwordReset", attempts: 0 })
      yield* sql`DELETE FROM mails WHERE user_id = ${userId}::uuid`
    }),
  )

  it.effect("knows every table that knows people", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* columnsOfUsers, [
        "email_verification_tokens.user_id",
        "mails.user_id",
        "members.user_id",
        "password_reset_tokens.user_id",
        "recovery_codes.user_id",
        "security_audit_log.user_id",
        "sessions.user_id",
        "totp_challenges.user_id",
        // Its row goes when what is noted at Zitadel has gone.
        "zitadel_links.user_id",
        "zitadel_links.zitadel_user_id",
      ])
    }),
  )
})

/** The columns of type UUID that hold the id. */
const columnsWithId = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const columns = yield* sql<{ readonly table: string; readonly column: string }>`
    SELECT table_name AS table, column_name AS column FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'uuid' ORDER BY 1, 2`
  const found: Array<string> = []
  for (const { table, column } of columns) {
    const rows = yield* sql`SELECT 1 FROM ${sql(table)} WHERE ${sql(column)} = ${id}::uuid`
    if (rows.length > 0) found.push(`${table}.${column}`)
  }
  return found
})
