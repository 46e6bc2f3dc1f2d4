/** Rows of the tables `inbox` (what was handled) and `dead_letters` (what never will be, unless somebody looks). */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** A message that was given up. */
export interface DeadLetter {
  readonly consumer: string
  readonly messageId: string
  readonly subject: string
  readonly payload: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly reason: string
  readonly deliveries: number
}

export class InboxStore extends Context.Service<
  InboxStore,
  {
    /** Runs the effect in one transaction with the note that the message was handled; undefined if it was before. */
    readonly once: <A, E, R>(
      consumer: string,
      messageId: string,
      effect: Effect.Effect<A, E, R>,
    ) => Effect.Effect<{ readonly value: A } | undefined, E | SqlError, R>
    /** Keeps a dead letter, once for each consumer and message. */
    readonly bury: (letter: DeadLetter) => Effect.Effect<void, SqlError>
    /** Forgets what was handled longer ago. */
    readonly sweep: (olderThan: Duration.Duration) => Effect.Effect<void, SqlError>
  }
>()("shared/events/InboxStore") {
  static readonly layer = Layer.effect(
    InboxStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      return InboxStore.of({
        once: (consumer, messageId, effect) =>
          sql.withTransaction(
            Effect.gen(function* () {
              // A second delivery waits here for the first one's transaction, and then finds its row.
              const rows = yield* sql`
                INSERT INTO inbox (consumer, message_id) VALUES (${consumer}, ${messageId})
                ON CONFLICT DO NOTHING
                RETURNING 1`
              return rows.length === 0 ? undefined : { value: yield* effect }
            }),
          ),
        bury: ({ consumer, messageId, subject, payload, headers, reason, deliveries }) =>
          Effect.asVoid(sql`
            INSERT INTO dead_letters (consumer, message_id, subject, payload, headers, reason, deliveries)
            VALUES (${consumer}, ${messageId}, ${subject}, ${payload}, ${JSON.stringify(headers)}::text::jsonb, ${reason},
              ${deliveries}::int)
            ON CONFLICT (consumer, message_id) DO UPDATE
              SET reason = excluded.reason, deliveries = excluded.deliveries, failed_at = now()`),
        sweep: (olderThan) =>
          Effect.asVoid(sql`
            DELETE FROM inbox WHERE handled_at < now() - make_interval(secs => ${Duration.toSeconds(olderThan)}::float8)`),
      })
    }),
  )
}
