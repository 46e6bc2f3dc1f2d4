import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { eventually } from "#shared/testing/eventually.ts"
import { countingHashes } from "../testing/Letters.ts"
import { password, registered } from "../testing/People.ts"
import { identityClient } from "../testing/TestClient.ts"
import { novaEnvironment, running } from "../testing/TestIdentity.ts"
import { digestOf } from "./LockoutStore.ts"

const register = registered("lockouts.test")

interface Answer {
  readonly _tag: string
  readonly reason: string
  readonly message: string
  readonly retryAfterMs?: number | undefined
}

/** What a guess is told; seconds instead of milliseconds, since some of them have gone by. */
const told = ({ _tag, reason, message, retryAfterMs }: Answer) => ({
  ...{ _tag, reason, message },
  seconds: retryAfterMs === undefined ? 0 : Math.round(retryAfterMs / 1000),
})

/** A guess at the password of an account that may exist, and how many hashes it cost. */
const guess = Effect.fnUntraced(function* (identifier: string, text: string, ipAddress = "") {
  const identity = yield* identityClient
  const call = identity.login({ identifier, password: text, client: { ipAddress } })
  const { value, hashes } = yield* countingHashes(Effect.result(call))
  const answer = value._tag === "Success" ? undefined : told(value.failure)
  return { reason: answer?.reason, seconds: answer?.seconds, answer, hashes }
})

const wrong = (identifier: string, times: number, ipAddress = "") =>
  Effect.forEach(Array.from({ length: times }), () => guess(identifier, "wrong", ipAddress))

/** The lock of an account is over now. */
const wait = (id: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`UPDATE users SET locked_until = now() - interval '1 second' WHERE id = ${id}::uuid`,
  )

layer(running(novaEnvironment), { excludeTestServices: true })("wrong guesses", (it) => {
  it.effect("lock an account, for the right password too, and for longer each time", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("ada")
      for (const { reason } of yield* wrong(email, 5)) assert.strictEqual(reason, "INVALID_CREDENTIALS")
      const { answer, hashes } = yield* guess(email, password)
      assert.deepStrictEqual(
        [answer?._tag, answer?.reason, answer?.seconds, hashes],
        ["ResourceExhausted", "ACCOUNT_LOCKED", 30, 0],
      )
      for (const seconds of [60, 120, 300, 900, 1800, 1800]) {
        yield* wait(id)
        const [first, second] = yield* wrong(email, 2)
        assert.deepStrictEqual(
          [first?.reason, second?.reason, second?.seconds],
          ["INVALID_CREDENTIALS", "ACCOUNT_LOCKED", seconds],
        )
      }
      const { user } = yield* identity.getUser({ userId: id })
      assert.strictEqual(user?.failedLoginAttempts, 11)
      assert.isDefined(user?.lockedUntil)
    }),
  )

  it.effect("are forgotten with the right password, and after a day", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("grace")
      const sql = yield* SqlClient.SqlClient
      for (let round = 0; round < 3; round++) {
        yield* wrong(email, 4)
        assert.isUndefined((yield* guess(email, password)).reason)
      }
      yield* wrong(email, 4)
      yield* sql`UPDATE users SET last_failed_login_at = now() - interval '25 hours' WHERE id = ${id}::uuid`
      yield* wrong(email, 4)
      assert.isUndefined((yield* guess(email, password)).reason)
      const { user } = yield* identity.getUser({ userId: id })
      assert.strictEqual(user?.failedLoginAttempts, 0)
      yield* wrong(email, 5)
      yield* wait(id)
      assert.isUndefined((yield* guess(email, password)).reason)
      assert.isUndefined((yield* identity.getUser({ userId: id })).user?.lockedUntil)
    }),
  )

  it.effect("at an account are counted together, however they come", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("edsger")
      yield* wrong(email.toUpperCase(), 1)
      yield* wrong("Edsger", 2)
      assert.isFalse((yield* identity.verifyPassword({ userId: id, password: "wrong" })).valid)
      yield* Effect.flip(identity.changePassword({ userId: id, currentPassword: "wrong", newPassword: "x".repeat(8) }))
      for (const call of [
        Effect.asVoid(identity.login({ identifier: email, password })),
        Effect.asVoid(identity.login({ identifier: "edsger", password })),
        Effect.asVoid(identity.verifyPassword({ userId: id, password })),
        Effect.asVoid(identity.changePassword({ userId: id, currentPassword: password, newPassword: "x".repeat(8) })),
      ]) {
        const refused = yield* Effect.flip(call)
        assert.deepStrictEqual(told(refused).reason, "ACCOUNT_LOCKED")
        assert.strictEqual(told(refused).seconds, 30)
      }
      yield* wait(id)
      assert.isTrue((yield* identity.verifyPassword({ userId: id, password })).valid)
      assert.strictEqual((yield* identity.getUser({ userId: id })).user?.failedLoginAttempts, 0)
    }),
  )

  it.effect("are told the same of an account, a suspended or deleted one, and none, and cost as many hashes", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { email } = yield* register("barbara")
      const suspended = yield* register("liskov")
      yield* sql`UPDATE users SET is_active = false WHERE id = ${suspended.id}::uuid`
      const deleted = yield* register("huberman")
      yield* sql`UPDATE users SET deleted_at = now() WHERE id = ${deleted.id}::uuid`
      const without = yield* register("jane")
      yield* sql`UPDATE users SET password_hash = NULL WHERE id = ${without.id}::uuid`
      const guesses = (identifier: string, right: string) =>
        Effect.forEach(["wrong", "wrong", right, right, "wrong", right, "wrong"], (text) => guess(identifier, text))
      const expected = yield* guesses(email, "another wrong one")
      assert.deepStrictEqual(
        expected.map(({ reason, hashes }) => [reason, hashes]),
        [
          ...Array.from({ length: 5 }, () => ["INVALID_CREDENTIALS", 1]),
          ...Array.from({ length: 2 }, () => ["ACCOUNT_LOCKED", 0]),
        ],
      )
      for (const identifier of [suspended.email, deleted.email, without.email, "nobody@lockouts.test", "nobody"]) {
        assert.deepStrictEqual(yield* guesses(identifier, password), expected, identifier)
      }
      const [inAnotherCase] = yield* wrong("NoBody@Lockouts.Test", 1)
      assert.strictEqual(inAnotherCase?.reason, "ACCOUNT_LOCKED")
    }),
  )

  it.effect("at the same time are told five times that they are wrong, and nothing after that", () =>
    Effect.gen(function* () {
      const { identity, email } = yield* register("niklaus")
      const known = yield* Effect.all(
        ["wrong", "wrong", "wrong", "wrong", "wrong", "wrong", "wrong", "wrong", "wrong", "wrong"].map((text) =>
          Effect.flip(identity.login({ identifier: email, password: text })),
        ),
        { concurrency: "unbounded" },
      )
      const unknown = yield* Effect.all(
        known.map(() => Effect.flip(identity.login({ identifier: "niklaus2", password: "wrong" }))),
        { concurrency: "unbounded" },
      )
      for (const answers of [known, unknown]) {
        const reasons = answers.map(({ reason }) => reason).sort()
        assert.deepStrictEqual(reasons, [
          ...Array.from({ length: 5 }, () => "ACCOUNT_LOCKED"),
          ...Array.from({ length: 5 }, () => "INVALID_CREDENTIALS"),
        ])
      }
    }),
  )

  it.effect("lock the address that they come from, at whatever account, and no other", () =>
    Effect.gen(function* () {
      const { email } = yield* register("tony")
      const from = "198.51.100.7"
      for (let person = 0; person < 20; person++) {
        const [answer] = yield* wrong(`person${person}@lockouts.test`, 1, from)
        assert.strictEqual(answer?.reason, "INVALID_CREDENTIALS")
        // An account of their own does not clear it.
        if (person === 18) assert.isUndefined((yield* guess(email, password, from)).reason)
      }
      for (const identifier of [email, "person0@lockouts.test", "somebody@lockouts.test"]) {
        const { reason, seconds, hashes } = yield* guess(identifier, password, from)
        assert.deepStrictEqual([reason, seconds, hashes], ["ACCOUNT_LOCKED", 30, 0])
      }
      assert.isUndefined((yield* guess(email, password, "198.51.100.8")).reason)
      assert.isUndefined((yield* guess(email, password)).reason)
    }),
  )

  it.effect("lock an IPv6 network, since a machine has all of its addresses", () =>
    Effect.gen(function* () {
      const { email } = yield* register("leslie")
      const sql = yield* SqlClient.SqlClient
      yield* wrong("x1@lockouts.test", 1, "2001:db8:1:2::1")
      const digest = digestOf({ _tag: "Address", address: "2001:db8:1:2::" })
      yield* sql`UPDATE guesses SET failures = 19 WHERE digest = ${digest}::bytea`
      yield* wrong("x2@lockouts.test", 1, "2001:DB8:1:2:ffff::9")
      assert.strictEqual((yield* guess(email, password, "2001:db8:1:2:a::b")).reason, "ACCOUNT_LOCKED")
      assert.isUndefined((yield* guess(email, password, "2001:db8:1:3::1")).reason)
    }),
  )

  it.effect("that lock an account while a right one is judged, keep that out too", () =>
    Effect.gen(function* () {
      const { identity, email, id } = yield* register("john")
      const sql = yield* SqlClient.SqlClient
      const sessions = Effect.map(sql`SELECT 1 FROM sessions WHERE user_id = ${id}::uuid`, ({ length }) => length)
      const before = yield* sessions
      // Whoever signs in waits for the row; meanwhile it is locked.
      const lock = Effect.gen(function* () {
        yield* sql`SELECT 1 FROM users WHERE id = ${id}::uuid FOR UPDATE`
        const waiting = sql`SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`
        yield* eventually(Effect.filterOrFail(waiting, (rows) => rows.length > 0))
        yield* sql`UPDATE users SET locked_until = now() + interval '1 minute' WHERE id = ${id}::uuid`
      })
      const [refused] = yield* Effect.all(
        [Effect.flip(identity.login({ identifier: email, password })), sql.withTransaction(lock)],
        { concurrency: 2 },
      )
      assert.strictEqual(refused.reason, "ACCOUNT_LOCKED")
      assert.strictEqual(yield* sessions, before)
    }),
  )

  it.effect("are counted under digests alone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* wrong("whoever@lockouts.test", 1, "198.51.100.77")
      const [row] = yield* sql<{ readonly text: string }>`SELECT json_agg(g)::text AS text FROM guesses g`
      for (const secret of ["whoever", "198.51.100.77"]) assert.notInclude(row?.text ?? "", secret)
    }),
  )
})
