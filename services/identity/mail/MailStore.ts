/** Rows of `mails`: the queue between transactions that cause mails and the mail server. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"
import type { LetterKind } from "./Letter.ts"

export interface SealedMail {
  readonly id: string
  readonly kind: LetterKind
  readonly sealed: string
}

/** A mail whose turn it is; the attempt that begins is counted. */
export interface ClaimedMail extends SealedMail {
  readonly attempts: number
}

export interface NewMail extends SealedMail {
  /** Null: nobody's account. */
  readonly userId: UserId | null
  readonly lifetime: Duration.Duration
}

export class MailStore extends Context.Service<
  MailStore,
  {
    /** Adds a mail to the transaction that it runs in. */
    readonly insert: (mail: NewMail) => Effect.Effect<void, DatabaseFailed>
    /** Waits for a mail that this process has committed; one that came before is known too. */
    readonly appended: Effect.Effect<void>
    /** How many mails of this kind were written to a user within this time. */
    readonly countRecent: (
      userId: UserId | null,
      kind: LetterKind,
      within: Duration.Duration,
    ) => Effect.Effect<number, DatabaseFailed>
    /**
     * Takes mails whose turn it is, the most urgent first; nobody else gets them before the lease is over. None to who was
     * erased while somebody wrote to them: those are swept with all that was left of the person.
     */
    readonly claim: (
      atMost: number,
      lease: Duration.Duration,
    ) => Effect.Effect<ReadonlyArray<ClaimedMail>, DatabaseFailed>
    /** Leaves the envelope alone: sent, or given up. */
    readonly finish: (id: string) => Effect.Effect<void, DatabaseFailed>
    /** Its turn comes again after the pause. */
    readonly postpone: (id: string, pause: Duration.Duration) => Effect.Effect<void, DatabaseFailed>
    /** Gives up what nobody has use for any more, and says how much; deletes envelopes that are older. */
    readonly sweep: (olderThan: Duration.Duration) => Effect.Effect<number, DatabaseFailed>
  }
>()("identity/MailStore") {
  static readonly layer = Layer.effect(
    MailStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const wake = yield* Queue.sliding<void>(1)
      const after = (time: Duration.Duration) => sql`now() + make_interval(secs => ${Duration.toSeconds(time)}::float8)`
      const before = (time: Duration.Duration) =>
        sql`now() - make_interval(secs => ${Duration.toSeconds(time)}::float8)`

      return MailStore.of({
        insert: ({ id, kind, userId, sealed, lifetime }) =>
          orDatabaseFailed(
            sql`
              INSERT INTO mails (id, kind, user_id, sealed, expires_at)
              VALUES (${id}::uuid, ${kind}, ${userId}::uuid, ${sealed}, ${after(lifetime)})`.pipe(
              Effect.andThen(sql.afterCommit(Effect.asVoid(Queue.offer(wake, undefined)))),
            ),
          ),
        appended: Queue.take(wake),
        countRecent: (userId, kind, within) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly count: number }>`
                SELECT count(*)::int AS count FROM mails
                WHERE user_id = ${userId}::uuid AND kind = ${kind} AND created_at > ${before(within)}`,
              ([row]) => row?.count ?? 0,
            ),
          ),
        claim: (atMost, lease) =>
          orDatabaseFailed(
            sql<ClaimedMail>`
              UPDATE mails SET attempts = attempts + 1, next_attempt_at = ${after(lease)}
              WHERE id IN (
                SELECT id FROM mails
                WHERE sealed IS NOT NULL AND next_attempt_at <= now() AND expires_at > now()
                  AND NOT EXISTS (SELECT 1 FROM users WHERE id = mails.user_id AND erased_at IS NOT NULL)
                ORDER BY next_attempt_at LIMIT ${atMost}::int
                FOR UPDATE SKIP LOCKED
              )
              RETURNING id, kind, sealed, attempts`,
          ),
        finish: (id) => orDatabaseFailed(Effect.asVoid(sql`UPDATE mails SET sealed = NULL WHERE id = ${id}::uuid`)),
        postpone: (id, pause) =>
          orDatabaseFailed(
            Effect.asVoid(sql`UPDATE mails SET next_attempt_at = ${after(pause)} WHERE id = ${id}::uuid`),
          ),
        sweep: (olderThan) =>
          orDatabaseFailed(
            Effect.andThen(
              sql`DELETE FROM mails WHERE created_at < ${before(olderThan)} AND sealed IS NULL`,
              Effect.map(
                sql`UPDATE mails SET sealed = NULL WHERE sealed IS NOT NULL AND expires_at <= now() RETURNING 1`,
                (rows) => rows.length,
              ),
            ),
          ),
      })
    }),
  )
}
