/** Rows of `signing_keys`. Private keys are sealed before they come here. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { KeyState } from "./KeyRotation.ts"

export interface NewSigningKey {
  readonly id: string
  /** `x` of the JWK. */
  readonly publicKey: string
  /** `d` of the JWK, sealed. */
  readonly privateKey: string
}

export interface StoredSigningKey extends KeyState {
  readonly id: string
  readonly publicKey: string
  /** Null: it signs no more. */
  readonly privateKey: string | null
}

/** Any number, as long as nobody else locks it in this database. */
const signingKeysLock = 0x6b657973

export class SigningKeyStore extends Context.Service<
  SigningKeyStore,
  {
    /** The keys whose tokens are accepted, or will be; those that sign come first, the newest of them at the head. */
    readonly accepted: Effect.Effect<ReadonlyArray<StoredSigningKey>, DatabaseFailed>
    /** Until the transaction ends nobody else makes a key. */
    readonly lock: Effect.Effect<void, DatabaseFailed>
    /** Adds a key that signs from now on. */
    readonly insert: (key: NewSigningKey) => Effect.Effect<void, DatabaseFailed>
    /** Adds a key that takes over after a while; those before it are accepted for a while longer. */
    readonly insertNext: (
      key: NewSigningKey,
      times: { readonly publishedAhead: Duration.Duration; readonly acceptedAfter: Duration.Duration },
    ) => Effect.Effect<void, DatabaseFailed>
    /** Forgets private keys that have not signed for this time, and keys that are not accepted any more. */
    readonly retire: (unusedFor: Duration.Duration) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/SigningKeyStore") {
  static readonly layer = Layer.effect(
    SigningKeyStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const later = (time: Duration.Duration) => sql`make_interval(secs => ${Duration.toSeconds(time)}::float8)`
      const millisSince = (time: string) =>
        sql.literal(`(extract(epoch FROM greatest(now() - ${time}, interval '0')) * 1000)::float8`)

      const insertNext = Effect.fnUntraced(function* (
        { id, publicKey, privateKey }: NewSigningKey,
        { publishedAhead, acceptedAfter }: Parameters<SigningKeyStore["Service"]["insertNext"]>[1],
      ) {
        yield* sql`
          UPDATE signing_keys SET signs_until = now() + ${later(publishedAhead)},
            accepted_until = now() + ${later(publishedAhead)} + ${later(acceptedAfter)}
          WHERE signs_until IS NULL`
        yield* sql`
          INSERT INTO signing_keys (id, public_key, private_key, signs_from)
          VALUES (${id}, ${publicKey}, ${privateKey}, now() + ${later(publishedAhead)})`
      })

      return SigningKeyStore.of({
        accepted: orDatabaseFailed(sql<StoredSigningKey>`
          SELECT id, public_key, private_key, state, has_private_key,
            CASE WHEN signs_until <= now() THEN ${millisSince("signs_until")}
              ELSE ${millisSince("signs_from")} END AS since_millis
          FROM signing_keys CROSS JOIN LATERAL (
            SELECT private_key IS NOT NULL AS has_private_key,
              CASE WHEN signs_from > now() THEN 'coming'
                WHEN private_key IS NULL OR signs_until <= now() THEN 'signed' ELSE 'signing' END AS state
          ) AS time
          WHERE accepted_until IS NULL OR accepted_until > now()
          ORDER BY state = 'signing' DESC, signs_from DESC, id`),
        lock: orDatabaseFailed(Effect.asVoid(sql`SELECT pg_advisory_xact_lock(${signingKeysLock}::bigint)`)),
        insert: ({ id, publicKey, privateKey }) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              INSERT INTO signing_keys (id, public_key, private_key) VALUES (${id}, ${publicKey}, ${privateKey})`),
          ),
        insertNext: (key, times) => orDatabaseFailed(insertNext(key, times)),
        retire: (unusedFor) =>
          orDatabaseFailed(
            Effect.andThen(
              sql`UPDATE signing_keys SET private_key = NULL WHERE signs_until <= now() - ${later(unusedFor)}`,
              Effect.asVoid(sql`DELETE FROM signing_keys WHERE accepted_until <= now()`),
            ),
          ),
      })
    }),
  )
}
