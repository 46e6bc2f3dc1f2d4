import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { JwtVerifier } from "#shared/crypto/Jwt.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { accessTokenType } from "./AccessToken.ts"
import { SigningKeyStore } from "./SigningKeyStore.ts"
import { type KeyRing, SigningKeys } from "./SigningKeys.ts"

const sealer = (byte: number) =>
  Sealer.layer([{ id: `key-${byte}`, key: Redacted.make(new Uint8Array(32).fill(byte)) }])

const process = (byte = 1, reloadEvery = Duration.minutes(1)) =>
  SigningKeys.layer("tests", { reloadEvery }).pipe(
    Layer.fresh,
    Layer.provide(sealer(byte)),
    Layer.provide([SigningKeyStore.layer, TransactionStore.layer]),
  )

/** The keys as a process that starts now finds or makes them. */
const started = (byte = 1) =>
  Effect.provide(
    Effect.flatMap(SigningKeys, ({ ring }) => ring),
    process(byte),
  )

const kids = ({ publicKeys }: KeyRing) => publicKeys.map(({ kid }) => kid)

/** The key that signs now has done so for this time, and the one that comes is so much nearer. */
const pass = Effect.fnUntraced(function* (time: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    UPDATE signing_keys SET signs_from = signs_from - ${time}::text::interval,
      signs_until = signs_until - ${time}::text::interval, accepted_until = accepted_until - ${time}::text::interval`
})

const issuedBy = ({ sign }: KeyRing) => sign({ subject: "user", audience: "here", lifetime: "1 minute" })

layer(TestDatabase.sql("identity"), { excludeTestServices: true })("signing keys", (it) => {
  it.effect("are made once, however many processes start, and are the same for all of them", () =>
    Effect.gen(function* () {
      const rings = yield* Effect.all(
        Array.from({ length: 4 }, () => started()),
        { concurrency: "unbounded" },
      )
      const [first] = rings
      if (first === undefined) return assert.fail("nobody started")
      const token = yield* issuedBy(first)
      for (const { verify, publicKeys } of rings) {
        assert.deepStrictEqual(publicKeys, first.publicKeys)
        assert.strictEqual((yield* verify(token, "here")).subject, "user")
      }
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql<{ readonly id: string; readonly privateKey: string }>`SELECT * FROM signing_keys`
      assert.strictEqual(rows.length, 1)
      assert.match(rows[0]?.privateKey ?? "", /^v1\.key-1\./)
    }),
  )

  it.effect("do not let a process start that cannot open them", () =>
    Effect.gen(function* () {
      yield* started()
      const refused = yield* Effect.flip(started(2))
      assert.strictEqual(refused._tag, "SigningKeysSealed")
      assert.match(refused.message, /^SEALING_KEYS does not hold the key/)
    }),
  )

  it.effect("are accepted after another one signs, until their time is over", () =>
    Effect.gen(function* () {
      const before = yield* started()
      const token = yield* issuedBy(before)
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE signing_keys SET signs_until = now(), accepted_until = now() + interval '1 hour', private_key = NULL`
      const after = yield* started()
      const publicKeys = after.publicKeys.map(({ kid }) => kid)
      assert.strictEqual(publicKeys.length, 2)
      assert.strictEqual(publicKeys[1], before.publicKeys[0]?.kid)
      assert.strictEqual((yield* after.verify(token, "here")).subject, "user")
      const keys = Redacted.make(JSON.stringify({ keys: after.publicKeys }))
      const elsewhere = yield* JwtVerifier.make({ keys, issuer: "tests", type: accessTokenType })
      yield* elsewhere.verify(yield* issuedBy(after), "here")
      yield* sql`UPDATE signing_keys SET accepted_until = now() WHERE private_key IS NULL`
      const later = yield* started()
      assert.strictEqual((yield* Effect.flip(later.verify(token, "here")))._tag, "TokenInvalid")
    }),
  )

  it.effect("are replaced after their time: published, signing, accepted, gone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`DELETE FROM signing_keys`
      const [first = ""] = kids(yield* started())
      yield* pass("88 days")
      assert.deepStrictEqual(kids(yield* started()), [first], "too young")

      yield* pass("1 day")
      const rings = yield* Effect.all(
        Array.from({ length: 4 }, () => started()),
        { concurrency: "unbounded" },
      )
      const [, next = ""] = kids(yield* started())
      for (const ring of rings) assert.deepStrictEqual(kids(ring), [first, next], "one next key, which signs not yet")
      const token = yield* issuedBy(yield* started())

      yield* pass("1 day")
      const after = yield* started()
      assert.deepStrictEqual(kids(after), [next, first])
      assert.strictEqual((yield* after.verify(token, "here")).keyId, first)
      assert.strictEqual((yield* after.verify(yield* issuedBy(after), "here")).keyId, next)

      yield* pass("6 minutes")
      yield* started()
      const rows = yield* sql<{ readonly id: string; readonly sealed: boolean }>`
        SELECT id, private_key IS NOT NULL AS sealed FROM signing_keys ORDER BY signs_from`
      assert.deepStrictEqual(rows, [
        { id: first, sealed: false },
        { id: next, sealed: true },
      ])
      assert.strictEqual((yield* (yield* started()).verify(token, "here")).keyId, first, "until its last token is over")
      yield* pass("15 minutes")
      assert.deepStrictEqual(kids(yield* started()), [next])
      assert.strictEqual((yield* Effect.flip((yield* started()).verify(token, "here"))).reason, "unknownKey")
    }),
  )

  it.effect("change under load, and no token that two processes give out is ever refused by either", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`DELETE FROM signing_keys`
      const build = Effect.map(Layer.build(process(1, Duration.millis(5))), Context.get(SigningKeys))
      const [one, two] = [yield* build, yield* build]
      const seen = new Set<string>()
      const tokens: Array<string> = []
      let running = true
      const load = Effect.gen(function* () {
        while (running) {
          for (const [from, to] of [
            [one, two],
            [two, one],
          ] as const) {
            const token = yield* issuedBy(yield* from.ring)
            const { keyId } = yield* (yield* to.ring).verify(token, "here")
            if (!seen.has(keyId)) tokens.push(token)
            seen.add(keyId)
            yield* Effect.yieldNow
          }
        }
      })
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkScoped(load))
      for (let rotations = 1; rotations <= 3; rotations++) {
        yield* sql`UPDATE signing_keys SET signs_from = now() - interval '89 days' WHERE signs_until IS NULL`
        const published = sql`SELECT 1 FROM signing_keys WHERE signs_from > now()`
        yield* eventually(Effect.filterOrFail(published, (rows) => rows.length === 1))
        // As long ago for everybody as a day is: both processes have looked again.
        const read = Effect.map(Effect.all([one.ring, two.ring]), (rings) =>
          rings.map(({ publicKeys }) => publicKeys.length),
        )
        yield* eventually(Effect.filterOrFail(read, ([a = 0, b = 0]) => a > rotations && b > rotations))
        yield* sql`UPDATE signing_keys SET signs_until = now(), accepted_until = now() + interval '20 minutes'
          WHERE signs_from <= now() AND signs_until > now()`
        yield* sql`UPDATE signing_keys SET signs_from = now() WHERE signs_from > now()`
        yield* eventually(Effect.suspend(() => (seen.size > rotations ? Effect.void : Effect.fail("not yet"))))
      }
      running = false
      for (const fiber of fibers) yield* Fiber.join(fiber)
      assert.strictEqual(seen.size, 4)
      for (const token of tokens) yield* (yield* one.ring).verify(token, "here")
    }).pipe(Effect.scoped),
  )
})
