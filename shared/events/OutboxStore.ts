/** Rows of the table `outbox`: what was decided in a transaction, and what has been published since. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import type { StreamSettings } from "../nats/StreamSettings.ts"

/** An event that waits to be published. */
export interface OutboxEvent {
  readonly id: string
  readonly stream: StreamSettings
  /** Events of one aggregate are published in the order in which they were appended. */
  readonly aggregate: string
  readonly payload: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

interface Row {
  readonly id: string
  readonly subject: string
  readonly stream: string
  readonly retention: StreamSettings["retention"]
  readonly maxAgeSeconds: number
  readonly aggregate: string
  readonly payload: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/** How much waits, and for how long. */
export interface OutboxBacklog {
  readonly waiting: number
  readonly oldestSeconds: number
}

/** So many events are published in one transaction. */
export const batchSize = 200

const channel = "outbox"
/** The names of our advisory locks: the classes are arbitrary, but must not be used for anything else. */
const aggregateLock = 0x6f7574
const relayLock = 0x72656c

export class OutboxStore extends Context.Service<
  OutboxStore,
  {
    /** Adds a row, and wakes the relay when the transaction commits. A defect outside of a transaction. */
    readonly insert: (event: OutboxEvent) => Effect.Effect<void, SqlError>
    /**
     * Runs `publish` on the oldest events that wait, of all streams but those `except`, and marks those that it
     * returns. One process at a time: none while another one does.
     */
    readonly drain: <E, R>(
      except: ReadonlyArray<string>,
      publish: (events: ReadonlyArray<OutboxEvent>) => Effect.Effect<ReadonlyArray<OutboxEvent>, E, R>,
    ) => Effect.Effect<Option.Option<{ readonly found: number; readonly published: number }>, E | SqlError, R>
    readonly backlog: Effect.Effect<OutboxBacklog, SqlError>
    /** Deletes what was published longer ago. */
    readonly sweep: (olderThan: Duration.Duration) => Effect.Effect<void, SqlError>
    /** Runs the effect at every commit of new events, until the connection breaks. */
    readonly onAppended: (wake: Effect.Effect<void>) => Effect.Effect<never, SqlError>
  }
>()("shared/events/OutboxStore") {
  static readonly layer = Layer.effect(
    OutboxStore,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient

      const insert = Effect.fnUntraced(function* ({ id, stream, aggregate, payload, headers }: OutboxEvent) {
        const transaction = yield* Effect.serviceOption(sql.transactionService)
        if (Option.isNone(transaction)) return yield* Effect.die(new Error("an event outside of a transaction"))
        const maxAgeSeconds = Math.ceil(Duration.toSeconds(stream.maxAge))
        // The lock makes the order of positions the order of commits, among transactions on one aggregate.
        yield* sql`
          WITH locked AS MATERIALIZED (
            SELECT pg_advisory_xact_lock(${aggregateLock}::int, hashtext(${aggregate}::text))
          ), appended AS (
            INSERT INTO outbox (id, stream, subject, retention, max_age_seconds, aggregate, payload, headers)
            SELECT ${id}::text, ${stream.name}::text, ${stream.subject}::text, ${stream.retention}::text,
              ${maxAgeSeconds}::int, ${aggregate}::text, ${payload}::bytea, ${JSON.stringify(headers)}::text::jsonb
            FROM locked
            RETURNING 1
          )
          SELECT pg_notify(${channel}::text, '') FROM appended`
      })

      const oldest = (except: ReadonlyArray<string>) => sql<Row>`
        SELECT id, stream, subject, retention, max_age_seconds, aggregate, payload, headers
        FROM outbox
        WHERE published_at IS NULL AND stream <> ALL(${except}::text[])
        ORDER BY position
        LIMIT ${batchSize}`

      const drain: OutboxStore["Service"]["drain"] = (except, publish) =>
        sql.withTransaction(
          Effect.gen(function* () {
            const [lock] = yield* sql<{ readonly mine: boolean }>`
              SELECT pg_try_advisory_xact_lock(${relayLock}::bigint) AS mine`
            if (lock?.mine !== true) return Option.none()
            const rows = yield* oldest(except)
            if (rows.length === 0) return Option.some({ found: 0, published: 0 })
            const published = yield* publish(rows.map(toEvent))
            yield* sql`
              UPDATE outbox SET published_at = now() WHERE id = ANY(${published.map(({ id }) => id)}::text[])`
            return Option.some({ found: rows.length, published: published.length })
          }),
        )

      return OutboxStore.of({
        insert,
        drain,
        backlog: Effect.map(
          sql<OutboxBacklog>`
            SELECT count(*)::int AS waiting,
              coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
            FROM (SELECT created_at FROM outbox WHERE published_at IS NULL ORDER BY position LIMIT 10000) AS head`,
          ([row]) => row ?? { waiting: 0, oldestSeconds: 0 },
        ),
        sweep: (olderThan) =>
          Effect.asVoid(sql`
            DELETE FROM outbox WHERE published_at < now() - make_interval(secs => ${Duration.toSeconds(olderThan)}::float8)`),
        // On a connection of its own: a pool that shares its connections among statements can leave those waiting for
        // ever while one of them listens.
        onAppended: (wake) =>
          Effect.gen(function* () {
            const own = yield* PgClient.makeClient(sql.config)
            const notifications = yield* own.listen(channel)
            return yield* Effect.forever(Effect.andThen(Queue.takeAll(notifications), wake))
          }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
      })
    }),
  )
}

const toEvent = ({ id, stream, subject, retention, maxAgeSeconds, aggregate, payload, headers }: Row): OutboxEvent => ({
  id,
  stream: { name: stream, subject, retention, maxAge: Duration.seconds(maxAgeSeconds) },
  aggregate,
  payload,
  headers,
})
