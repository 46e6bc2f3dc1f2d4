/** Rows of `email_verification_tokens`. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"

export interface EmailVerification {
  readonly userId: UserId
  /** The address that the token was mailed to. */
  readonly email: string
  readonly used: boolean
}

export class EmailVerificationStore extends Context.Service<
  EmailVerificationStore,
  {
    /** Null: a token of nobody, which opens nothing. */
    readonly insert: (token: {
      readonly digest: Uint8Array
      readonly userId: UserId | null
      readonly email: string
      readonly lifetime: Duration.Duration
    }) => Effect.Effect<void, DatabaseFailed>
    /** The token, if its time is not over and it is the newest of its user. */
    readonly find: (digest: Uint8Array) => Effect.Effect<Option.Option<EmailVerification>, DatabaseFailed>
    readonly use: (digest: Uint8Array) => Effect.Effect<void, DatabaseFailed>
    /** Deletes what is over. */
    readonly sweep: Effect.Effect<void, DatabaseFailed>
  }
>()("identity/EmailVerificationStore") {
  static readonly layer = Layer.effect(
    EmailVerificationStore,
    Effect.map(SqlClient.SqlClient, (sql) =>
      EmailVerificationStore.of({
        insert: ({ digest, userId, email, lifetime }) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              INSERT INTO email_verification_tokens (digest, user_id, email, expires_at)
              VALUES (${digest}::bytea, ${userId}::uuid, ${email},
                now() + make_interval(secs => ${Duration.toSeconds(lifetime)}::float8))`),
          ),
        find: (digest) =>
          orDatabaseFailed(
            Effect.map(
              sql<EmailVerification>`
                SELECT user_id, email, used_at IS NOT NULL AS used
                FROM email_verification_tokens AS token
                WHERE digest = ${digest}::bytea AND user_id IS NOT NULL AND expires_at > now()
                  AND NOT EXISTS (
                    SELECT 1 FROM email_verification_tokens
                    WHERE user_id = token.user_id AND created_at > token.created_at
                  )`,
              ([row]) => Option.fromUndefinedOr(row),
            ),
          ),
        use: (digest) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              UPDATE email_verification_tokens SET used_at = now() WHERE digest = ${digest}::bytea AND used_at IS NULL`),
          ),
        sweep: orDatabaseFailed(Effect.asVoid(sql`DELETE FROM email_verification_tokens WHERE expires_at < now()`)),
      }),
    ),
  )
}
