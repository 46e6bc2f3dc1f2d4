/** Rows of the table `dead_letters`: what was given up, until somebody replays or dismisses it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import {
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterHead,
  type DeadLetterKey,
  DeadLetterNotFound,
  type GivenUp,
} from "./DeadLetter.ts"

/** The last letter of a page. */
export type DeadLetterCursor = Pick<DeadLetterHead, "failedMicros" | "consumer" | "messageId">

export interface DeadLetterCount {
  readonly consumer: string
  readonly count: number
}

/** PostgreSQL keeps no NUL in a text, and no half of a character. */
const storable = (text: string): string => text.replaceAll("\0", "\uFFFD").toWellFormed()

export class DeadLetterStore extends Context.Service<
  DeadLetterStore,
  {
    /** Keeps a letter; one that is there already gets the new reason. */
    readonly bury: (letter: GivenUp) => Effect.Effect<void, SqlError>
    /** Whether it is there; waits for somebody who is taking it out. */
    readonly isBuried: (key: DeadLetterKey) => Effect.Effect<boolean, SqlError>
    /** Deletes it; whether it was there. */
    readonly remove: (key: DeadLetterKey) => Effect.Effect<boolean, SqlError>
    /** Newest first, after the cursor. */
    readonly list: (
      filter: DeadLetterFilter,
      after: DeadLetterCursor | undefined,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<DeadLetterHead>, SqlError>
    /** The first that were given up, before that time (epoch microseconds). */
    readonly oldest: (
      filter: DeadLetterFilter,
      beforeMicros: bigint,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<DeadLetterKey>, SqlError>
    /** How many were given up before that time (epoch microseconds). */
    readonly count: (filter: DeadLetterFilter, beforeMicros: bigint) => Effect.Effect<number, SqlError>
    readonly get: (key: DeadLetterKey) => Effect.Effect<DeadLetter, DeadLetterNotFound | SqlError>
    /** Deletes it if `use` succeeds. Whoever buries it again meanwhile waits, and then buries it anew. */
    readonly take: <A, E, R>(
      key: DeadLetterKey,
      use: (letter: DeadLetter) => Effect.Effect<A, E, R>,
    ) => Effect.Effect<A, DeadLetterNotFound | SqlError | E, R>
    readonly counts: Effect.Effect<ReadonlyArray<DeadLetterCount>, SqlError>
    /** The time of the database, in epoch microseconds. */
    readonly now: Effect.Effect<bigint, SqlError>
  }
>()("shared/events/DeadLetterStore") {
  static readonly layer = Layer.effect(
    DeadLetterStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const micros = sql.literal("(extract(epoch FROM failed_at) * 1000000)::bigint AS failed_micros")
      const head = sql`consumer, message_id, subject, reason, deliveries, ${micros}, length(payload) AS size_bytes`
      const is = ({ consumer, messageId }: DeadLetterKey) =>
        sql`consumer = ${consumer}::text AND message_id = ${messageId}::text`

      const timeOf = (micros: bigint) => sql`'epoch'::timestamptz + ${micros}::bigint * interval '1 microsecond'`
      const isAfter = ({ failedMicros, consumer, messageId }: DeadLetterCursor) =>
        sql`(failed_at, consumer, message_id) < (${timeOf(failedMicros)}, ${consumer}::text, ${messageId}::text)`
      const matching = ({ consumer, subject, messageId }: DeadLetterFilter) => [
        consumer === undefined ? sql`true` : sql`consumer = ${consumer}::text`,
        subject === undefined ? sql`true` : sql`subject = ${subject}::text`,
        messageId === undefined ? sql`true` : sql`message_id = ${messageId}::text`,
      ]

      const only = (rows: ReadonlyArray<DeadLetter>, key: DeadLetterKey) =>
        rows[0] === undefined ? Effect.fail(new DeadLetterNotFound(key)) : Effect.succeed(rows[0])

      return DeadLetterStore.of({
        bury: ({ consumer, messageId, subject, payload, headers, reason, deliveries }) =>
          Effect.asVoid(sql`
            INSERT INTO dead_letters (consumer, message_id, subject, payload, headers, reason, deliveries, failed_at)
            VALUES (${consumer}, ${messageId}, ${subject}, ${payload}, ${JSON.stringify(headers)}::text::jsonb,
              ${storable(reason)}, ${deliveries}::int, clock_timestamp())
            ON CONFLICT (consumer, message_id) DO UPDATE
              SET reason = excluded.reason, deliveries = excluded.deliveries, failed_at = excluded.failed_at`),

        isBuried: (key) =>
          Effect.map(sql`SELECT 1 FROM dead_letters WHERE ${is(key)} FOR SHARE`, (rows) => rows.length > 0),

        remove: (key) =>
          Effect.map(sql`DELETE FROM dead_letters WHERE ${is(key)} RETURNING 1`, (rows) => rows.length > 0),

        list: (filter, after, limit) =>
          sql<DeadLetterHead>`
            SELECT ${head} FROM dead_letters
            WHERE ${sql.and(matching(filter))} AND ${after === undefined ? sql`true` : isAfter(after)}
            ORDER BY failed_at DESC, consumer DESC, message_id DESC
            LIMIT ${limit}::int`,

        oldest: (filter, beforeMicros, limit) =>
          sql<DeadLetterKey>`
            SELECT consumer, message_id FROM dead_letters
            WHERE ${sql.and(matching(filter))} AND failed_at < ${timeOf(beforeMicros)}
            ORDER BY failed_at, consumer, message_id
            LIMIT ${limit}::int`,

        count: (filter, beforeMicros) =>
          Effect.map(
            sql<{ readonly count: number }>`
              SELECT count(*)::int AS count FROM dead_letters
              WHERE ${sql.and(matching(filter))} AND failed_at < ${timeOf(beforeMicros)}`,
            ([row]) => row?.count ?? 0,
          ),

        get: (key) =>
          Effect.flatMap(sql<DeadLetter>`SELECT ${head}, payload, headers FROM dead_letters WHERE ${is(key)}`, (rows) =>
            only(rows, key),
          ),

        take: (key, use) =>
          sql.withTransaction(
            Effect.gen(function* () {
              const rows = yield* sql<DeadLetter>`
                SELECT ${head}, payload, headers FROM dead_letters WHERE ${is(key)} FOR UPDATE`
              const used = yield* use(yield* only(rows, key))
              yield* sql`DELETE FROM dead_letters WHERE ${is(key)}`
              return used
            }),
          ),

        counts: sql<DeadLetterCount>`
          SELECT consumer, count(*)::int AS count FROM dead_letters GROUP BY consumer ORDER BY consumer LIMIT 1000`,

        now: Effect.map(
          sql<{ readonly micros: bigint }>`SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros`,
          ([row]) => row?.micros ?? 0n,
        ),
      })
    }),
  )
}
