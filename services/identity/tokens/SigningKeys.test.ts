import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { JwtVerifier } from "#shared/crypto/Jwt.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { accessTokenType } from "./AccessToken.ts"
import { SigningKeyStore } from "./SigningKeyStore.ts"
import { type KeyRing, SigningKeys } from "./SigningKeys.ts"

const sealer = (byte: number) =>
  Sealer.layer([{ id: `key-${byte}`, key: Redacted.make(new Uint8Array(32).fill(byte)) }])

/** The keys as a process that starts now finds or makes them. */
const started = (byte = 1) =>
  Effect.flatMap(SigningKeys, ({ ring }) => ring).pipe(
    Effect.provide(
      SigningKeys.layer("tests").pipe(
        Layer.fresh,
        Layer.provide(sealer(byte)),
        Layer.provide([SigningKeyStore.layer, TransactionStore.layer]),
      ),
    ),
  )

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
})
