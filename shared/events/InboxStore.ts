/** Rows of the table `inbox`: what was handled. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

export class InboxStore extends Context.Service<
  InboxStore,
  {
    /** Runs the effect in one transaction with the note that the message was handled; undefined if it was before. */
    readonly once: <A, E, R>(
      consumer: string,
      messageId: string,
      effect: Effect.Effect<A, E, R>,
    ) => Effect.Effect<{ readonly value: A } | undefined, E | SqlError, R>
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
        sweep: (olderThan) =>
          Effect.asVoid(sql`
            DELETE FROM inbox WHERE handled_at < now() - make_interval(secs => ${Duration.toSeconds(olderThan)}::float8)`),
      })
    }),
  )
}
