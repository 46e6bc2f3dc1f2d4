/** Passwords of `users`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"

export interface StoredCredential {
  readonly userId: UserId
  /** PHC string; null: no password opens the account. */
  readonly passwordHash: string | null
  readonly isActive: boolean
  readonly totpEnabled: boolean
}

export class CredentialStore extends Context.Service<
  CredentialStore,
  {
    /** By e-mail address or username, in any case. */
    readonly find: (identifier: string) => Effect.Effect<Option.Option<StoredCredential>, DatabaseFailed>
    /** Notes a sign-in; false where password or account were changed meanwhile. Replaces the hash by `newHash`. */
    readonly signedIn: (id: UserId, hash: string, newHash: string) => Effect.Effect<boolean, DatabaseFailed>
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
      }),
    ),
  )
}
