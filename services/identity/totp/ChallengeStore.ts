/** Rows of `totp_challenges`. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlSchema from "effect/sql/SqlSchema"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"

export interface NewChallenge {
  /** Of the token. */
  readonly digest: Uint8Array
  readonly userId: UserId
  readonly passwordDigest: Uint8Array
  readonly askerDigest: Uint8Array
  readonly lifetime: Duration.Duration
}

/** A challenge as somebody shows it who wants to answer. */
export interface ShownChallenge {
  readonly digest: Uint8Array
  readonly askerDigest: Uint8Array
}

export class ChallengeStore extends Context.Service<
  ChallengeStore,
  {
    /** Says when it is over. */
    readonly insert: (challenge: NewChallenge) => Effect.Effect<DateTime.Utc, DatabaseFailed>
    /** Counts an answer before it is judged, and says whose it would be; none where nothing may be answered any more. */
    readonly countAnswer: (shown: ShownChallenge, most: number) => Effect.Effect<Option.Option<UserId>, DatabaseFailed>
    /** Ends a challenge by its right answer: a sign-in. False where it was over, or its account has changed since. */
    readonly answer: (shown: ShownChallenge) => Effect.Effect<boolean, DatabaseFailed>
    /** Deletes what was over longer ago. */
    readonly sweep: (olderThan: Duration.Duration) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/ChallengeStore") {
  static readonly layer = Layer.effect(
    ChallengeStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const seconds = (duration: Duration.Duration) =>
        sql`make_interval(secs => ${Duration.toSeconds(duration)}::float8)`
      const open = ({ digest, askerDigest }: ShownChallenge) => sql`
        c.digest = ${digest}::bytea AND c.asker_digest = ${askerDigest}::bytea
          AND c.answered_at IS NULL AND c.expires_at > clock_timestamp()`

      const insert = SqlSchema.findOne({
        Request: Schema.Any,
        Result: Schema.Struct({ expiresAt: Schema.DateTimeUtcFromDate }),
        execute: ({ digest, userId, passwordDigest, askerDigest, lifetime }: NewChallenge) => sql`
          INSERT INTO totp_challenges (digest, user_id, password_digest, asker_digest, expires_at)
          VALUES (${digest}::bytea, ${userId}::uuid, ${passwordDigest}::bytea, ${askerDigest}::bytea,
            now() + ${seconds(lifetime)})
          RETURNING expires_at`,
      })

      return ChallengeStore.of({
        insert: (challenge) =>
          insert(challenge).pipe(
            Effect.catchTag("NoSuchElementError", Effect.die),
            Effect.map(({ expiresAt }) => expiresAt),
            orDatabaseFailed,
          ),
        countAnswer: (shown, most) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly userId: UserId }>`
                UPDATE totp_challenges c SET answers = c.answers + 1
                WHERE ${open(shown)} AND c.answers < ${most}::int
                RETURNING c.user_id`,
              ([row]) => Option.map(Option.fromUndefinedOr(row), ({ userId }) => userId),
            ),
          ),
        answer: (shown) =>
          orDatabaseFailed(
            Effect.map(
              sql`
                WITH answered AS (
                  UPDATE totp_challenges c SET answered_at = now()
                  FROM users u
                  WHERE ${open(shown)} AND u.id = c.user_id
                    AND c.password_digest = sha256(convert_to(u.password_hash, 'UTF8'))
                    AND u.totp_enabled AND u.is_active AND u.deleted_at IS NULL
                  RETURNING c.user_id
                )
                UPDATE users SET last_login_at = now() FROM answered WHERE users.id = answered.user_id
                RETURNING 1`,
              (rows) => rows.length > 0,
            ),
          ),
        sweep: (olderThan) =>
          orDatabaseFailed(
            Effect.asVoid(sql`DELETE FROM totp_challenges WHERE expires_at < now() - ${seconds(olderThan)}`),
          ),
      })
    }),
  )
}
