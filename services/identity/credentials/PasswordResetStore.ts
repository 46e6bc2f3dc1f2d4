/** Rows of `password_reset_tokens`. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"

interface Row {
  readonly userId: UserId
}

export class PasswordResetStore extends Context.Service<
  PasswordResetStore,
  {
    /** Null: a token of nobody, which opens nothing. */
    readonly insert: (token: {
      readonly digest: Uint8Array
      readonly userId: UserId | null
      readonly lifetime: Duration.Duration
    }) => Effect.Effect<void, DatabaseFailed>
    /** Whether the token would work now. */
    readonly works: (digest: Uint8Array) => Effect.Effect<boolean, DatabaseFailed>
    /** Uses the token up and says whose it is; none where it does not work: of two at the same time one gets it. */
    readonly use: (digest: Uint8Array) => Effect.Effect<Option.Option<UserId>, DatabaseFailed>
    /** Lets no token of the user work any more. */
    readonly useAll: (userId: UserId) => Effect.Effect<void, DatabaseFailed>
    /** Deletes what is over. */
    readonly sweep: Effect.Effect<void, DatabaseFailed>
  }
>()("identity/PasswordResetStore") {
  static readonly layer = Layer.effect(
    PasswordResetStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const working = (digest: Uint8Array) =>
        sql`digest = ${digest}::bytea AND user_id IS NOT NULL AND used_at IS NULL AND expires_at > now()`

      return PasswordResetStore.of({
        insert: ({ digest, userId, lifetime }) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              INSERT INTO password_reset_tokens (digest, user_id, expires_at)
              VALUES (${digest}::bytea, ${userId}::uuid,
                now() + make_interval(secs => ${Duration.toSeconds(lifetime)}::float8))`),
          ),
        works: (digest) =>
          orDatabaseFailed(
            Effect.map(sql`SELECT 1 FROM password_reset_tokens WHERE ${working(digest)}`, (rows) => rows.length > 0),
          ),
        use: (digest) =>
          orDatabaseFailed(
            Effect.map(
              sql<Row>`UPDATE password_reset_tokens SET used_at = now() WHERE ${working(digest)} RETURNING user_id`,
              ([row]) => Option.map(Option.fromUndefinedOr(row), ({ userId }) => userId),
            ),
          ),
        useAll: (userId) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              UPDATE password_reset_tokens SET used_at = now() WHERE user_id = ${userId}::uuid AND used_at IS NULL`),
          ),
        sweep: orDatabaseFailed(Effect.asVoid(sql`DELETE FROM password_reset_tokens WHERE expires_at < now()`)),
      })
    }),
  )
}
