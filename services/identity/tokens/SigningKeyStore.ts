/** Rows of `signing_keys`. Private keys are sealed before they come here. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"

export interface StoredSigningKey {
  readonly id: string
  /** `x` of the JWK. */
  readonly publicKey: string
  /** `d` of the JWK, sealed; null: it signs no more. */
  readonly privateKey: string | null
  /** Its time to sign has come and is not over. */
  readonly signs: boolean
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
    readonly insert: (key: Omit<StoredSigningKey, "signs">) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/SigningKeyStore") {
  static readonly layer = Layer.effect(
    SigningKeyStore,
    Effect.map(SqlClient.SqlClient, (sql) =>
      SigningKeyStore.of({
        accepted: orDatabaseFailed(sql<StoredSigningKey>`
          SELECT id, public_key, private_key,
            private_key IS NOT NULL AND signs_from <= now() AND (signs_until IS NULL OR signs_until > now()) AS signs
          FROM signing_keys
          WHERE accepted_until IS NULL OR accepted_until > now()
          ORDER BY signs DESC, signs_from DESC, id`),
        lock: orDatabaseFailed(Effect.asVoid(sql`SELECT pg_advisory_xact_lock(${signingKeysLock}::bigint)`)),
        insert: ({ id, publicKey, privateKey }) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              INSERT INTO signing_keys (id, public_key, private_key) VALUES (${id}, ${publicKey}, ${privateKey}::text)`),
          ),
      }),
    ),
  )
}
