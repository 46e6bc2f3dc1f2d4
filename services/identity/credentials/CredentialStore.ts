/** Passwords of `users`, and the sign-ups in `idempotency` that a caller may repeat. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"
import type { RequestKey } from "./Credential.ts"

export interface StoredCredential {
  readonly userId: UserId
  /** PHC string; null: no password opens the account. */
  readonly passwordHash: string | null
  readonly isActive: boolean
  readonly totpEnabled: boolean
}

export interface SignUpRequest extends RequestKey {
  /** Of what was asked for, but the password. */
  readonly digest: Uint8Array
  readonly userId: UserId
}

export class CredentialStore extends Context.Service<
  CredentialStore,
  {
    /** By e-mail address or username, in any case. */
    readonly find: (identifier: string) => Effect.Effect<Option.Option<StoredCredential>, DatabaseFailed>
    /** Notes a sign-in; false where password or account were changed meanwhile. Replaces the hash by `newHash`. */
    readonly signedIn: (id: UserId, hash: string, newHash: string) => Effect.Effect<boolean, DatabaseFailed>
    /**
     * Notes a sign-up, or answers with the digest of the first one of this key in the last 24 hours. Waits for one that
     * is under way.
     */
    readonly claim: (request: SignUpRequest) => Effect.Effect<Option.Option<Uint8Array>, DatabaseFailed>
    /** Forgets sign-ups that can no longer be repeated. */
    readonly sweep: Effect.Effect<void, DatabaseFailed>
  }
>()("identity/CredentialStore") {
  static readonly layer = Layer.effect(
    CredentialStore,
    Effect.map(SqlClient.SqlClient, (sql) =>
      CredentialStore.of({
        find: (identifier) =>
          orDatabaseFailed(
            Effect.map(
              sql<StoredCredential>`
                SELECT id AS user_id, password_hash, is_active, totp_enabled
                FROM users
                WHERE (lower(email) = lower(${identifier}) OR lower(username) = lower(${identifier}))
                  AND deleted_at IS NULL`,
              ([row]) => Option.fromUndefinedOr(row),
            ),
          ),
        signedIn: (id, hash, newHash) =>
          orDatabaseFailed(
            Effect.map(
              sql`
                UPDATE users SET last_login_at = now(), failed_login_attempts = 0, password_hash = ${newHash}
                WHERE id = ${id}::uuid AND password_hash = ${hash} AND is_active AND deleted_at IS NULL
                RETURNING 1`,
              (rows) => rows.length > 0,
            ),
          ),
        claim: ({ caller, rpc, id, digest, userId }) =>
          orDatabaseFailed(
            Effect.gen(function* () {
              const claimed = yield* sql`
                INSERT INTO idempotency (caller, method, request_id, request_digest, response)
                VALUES (${caller}, ${rpc}, ${id}, ${digest}::bytea, convert_to(${userId}::text, 'UTF8'))
                ON CONFLICT (caller, method, request_id) DO UPDATE
                  SET request_digest = excluded.request_digest, response = excluded.response,
                    created_at = excluded.created_at, expires_at = excluded.expires_at
                  WHERE idempotency.expires_at <= now()
                RETURNING 1`
              if (claimed.length > 0) return Option.none()
              const [first] = yield* sql<{ readonly requestDigest: Uint8Array }>`
                SELECT request_digest FROM idempotency
                WHERE caller = ${caller} AND method = ${rpc} AND request_id = ${id}`
              return Option.map(Option.fromUndefinedOr(first), ({ requestDigest }) => requestDigest)
            }),
          ),
        sweep: orDatabaseFailed(Effect.asVoid(sql`DELETE FROM idempotency WHERE expires_at <= now()`)),
      }),
    ),
  )
}
