/** The counters in PostgreSQL: rows in and out, each batch once. Decides nothing of what a batch adds. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import { toSeconds } from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { ActiveUser, MinuteTally, MonthTally, UsageTally } from "./UsageBatch.ts"
import type { UsagePeriod } from "./UsagePeriod.ts"
import type { ApplicationUsage } from "./WorkspaceUsage.ts"

/** The database cannot be asked now; asking again later helps. */
export class UsageUnavailable extends Schema.TaggedError<UsageUnavailable>()("UsageUnavailable", {
  reason: Schema.String,
}) {}

/** What is counted of a workspace, and how far that reaches. */
export interface CountedUsage {
  readonly applications: ReadonlyArray<Omit<ApplicationUsage, "mauCurrent">>
  readonly countedAt: Date | undefined
}

/** So many rows are deleted at a time, which takes well under a second. */
const sweepSize = 10_000

export class UsageStore extends Context.Service<
  UsageStore,
  {
    /**
     * Notes the batch and adds what it says to the counters, both or neither; false, and nothing happens, where it was
     * noted before. Of deliveries at the same time one counts, the others wait for it.
     */
    readonly add: (tally: UsageTally) => Effect.Effect<boolean, UsageUnavailable>
    readonly ofWorkspace: (workspaceId: string, period: UsagePeriod) => Effect.Effect<CountedUsage, UsageUnavailable>
    /** Forgets batches that came longer ago. */
    readonly sweepBatches: (olderThan: Duration.Duration) => Effect.Effect<void, UsageUnavailable>
    /** Forgets the minutes that began longer ago. */
    readonly sweepMinutes: (olderThan: Duration.Duration) => Effect.Effect<void, UsageUnavailable>
  }
>()("billing/UsageStore") {
  static readonly layer = Layer.effect(
    UsageStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      // In one order, so that of two batches with applications in common one waits for the other, and never each for
      // the other. Who has the rows of the months then has the minutes and users of their applications for itself.
      const addMonths = (rows: ReadonlyArray<MonthTally>) => sql`
        INSERT INTO usage_requests AS kept (workspace_id, period, application_id, requests, server_errors,
          client_errors, bytes_sent, bytes_received)
        SELECT * FROM unnest(
          ${rows.map(({ workspaceId }) => workspaceId)}::text[],
          ${rows.map(({ period }) => period)}::text[],
          ${rows.map(({ applicationId }) => applicationId)}::text[],
          ${rows.map(({ requests }) => BigInt(requests))}::bigint[],
          ${rows.map(({ serverErrors }) => BigInt(serverErrors))}::bigint[],
          ${rows.map(({ clientErrors }) => BigInt(clientErrors))}::bigint[],
          ${rows.map(({ bytesSent }) => bytesSent)}::bigint[],
          ${rows.map(({ bytesReceived }) => bytesReceived)}::bigint[])
        ORDER BY 1, 2, 3
        ON CONFLICT (workspace_id, period, application_id) DO UPDATE SET
          requests = kept.requests + excluded.requests,
          server_errors = kept.server_errors + excluded.server_errors,
          client_errors = kept.client_errors + excluded.client_errors,
          bytes_sent = kept.bytes_sent + excluded.bytes_sent,
          bytes_received = kept.bytes_received + excluded.bytes_received`

      const addMinutes = (rows: ReadonlyArray<MinuteTally>) => sql`
        INSERT INTO usage_minutes AS kept (application_id, minute, requests, server_errors, client_errors, bytes_sent,
          duration_ms, latency_counts)
        SELECT application_id, minute, requests, server_errors, client_errors, bytes_sent, duration_ms,
          latency_counts::int[]
        FROM unnest(
          ${rows.map(({ applicationId }) => applicationId)}::text[],
          ${rows.map(({ minute }) => new Date(minute))}::timestamptz[],
          ${rows.map(({ requests }) => BigInt(requests))}::bigint[],
          ${rows.map(({ serverErrors }) => BigInt(serverErrors))}::bigint[],
          ${rows.map(({ clientErrors }) => BigInt(clientErrors))}::bigint[],
          ${rows.map(({ bytesSent }) => bytesSent)}::bigint[],
          ${rows.map(({ durationMs }) => durationMs)}::bigint[],
          ${rows.map(({ latencyCounts }) => `{${latencyCounts.join(",")}}`)}::text[]
        ) AS added (application_id, minute, requests, server_errors, client_errors, bytes_sent, duration_ms,
          latency_counts)
        ON CONFLICT (application_id, minute) DO UPDATE SET
          requests = kept.requests + excluded.requests,
          server_errors = kept.server_errors + excluded.server_errors,
          client_errors = kept.client_errors + excluded.client_errors,
          bytes_sent = kept.bytes_sent + excluded.bytes_sent,
          duration_ms = kept.duration_ms + excluded.duration_ms,
          latency_counts = ARRAY(
            SELECT mine + theirs
            FROM unnest(kept.latency_counts, excluded.latency_counts) WITH ORDINALITY AS pair (mine, theirs, place)
            ORDER BY place)`

      const addUsers = (users: ReadonlyArray<ActiveUser>) => sql`
        INSERT INTO mau (application_id, period, user_hash)
        SELECT application_id, period, decode(user_hash, 'hex')
        FROM unnest(
          ${users.map(({ applicationId }) => applicationId)}::text[],
          ${users.map(({ period }) => period)}::text[],
          ${users.map(({ userHash }) => userHash)}::text[]
        ) AS seen (application_id, period, user_hash)
        ON CONFLICT DO NOTHING`

      const add = Effect.fnUntraced(function* ({ batchId, months, minutes, activeUsers }: UsageTally) {
        // A delivery at the same time waits here for this transaction, and then finds the row.
        const noted = yield* sql`INSERT INTO usage_batches (batch_id) VALUES (${batchId}) ON CONFLICT DO NOTHING
          RETURNING 1`
        if (noted.length === 0) return false
        yield* addMonths(months)
        yield* addMinutes(minutes)
        if (activeUsers.length > 0) yield* addUsers(activeUsers)
        return true
      }, sql.withTransaction)

      const ofWorkspace = Effect.fnUntraced(function* (workspaceId: string, period: UsagePeriod) {
        // Read first: the figures may reach further than it says, never less far.
        const [newest] = yield* sql<{ readonly countedAt: Date | null }>`
          SELECT max(received_at) AS counted_at FROM usage_batches`
        const applications = yield* sql<Omit<ApplicationUsage, "mauCurrent">>`
          SELECT application_id, requests, bytes_sent, bytes_received,
            (SELECT count(*) FROM mau WHERE mau.application_id = used.application_id AND mau.period = used.period)
              AS mau_exact
          FROM usage_requests AS used
          WHERE workspace_id = ${workspaceId} AND period = ${period}
          ORDER BY application_id`
        return { applications, countedAt: newest?.countedAt ?? undefined }
      })

      /** Deletes piece by piece, so that nobody has to wait for long. */
      const sweep = (piece: Effect.Effect<ReadonlyArray<unknown>, SqlError>) =>
        piece.pipe(Effect.repeat({ while: (rows) => rows.length === sweepSize }), Effect.asVoid, orUnavailable)

      return UsageStore.of({
        add: (tally) => orUnavailable(add(tally)),
        ofWorkspace: (workspaceId, period) => orUnavailable(ofWorkspace(workspaceId, period)),
        sweepBatches: (olderThan) =>
          sweep(sql`
            DELETE FROM usage_batches WHERE batch_id IN (
              SELECT batch_id FROM usage_batches
              WHERE received_at < now() - make_interval(secs => ${toSeconds(olderThan)}::float8)
              ORDER BY received_at LIMIT ${sweepSize})
            RETURNING 1`),
        sweepMinutes: (olderThan) =>
          sweep(sql`
            DELETE FROM usage_minutes WHERE (application_id, minute) IN (
              SELECT application_id, minute FROM usage_minutes
              WHERE minute < now() - make_interval(secs => ${toSeconds(olderThan)}::float8)
              ORDER BY minute LIMIT ${sweepSize})
            RETURNING 1`),
      })
    }),
  )
}

/** States in which the server refuses everything for a while: out of resources, or going down or coming up. */
const passing = /^(53|57)/

const stateOf = ({ reason: { cause } }: SqlError): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** What may pass is an error; anything else is a mistake of ours, or of whoever wrote the data. */
const orUnavailable = <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, UsageUnavailable, R> =>
  Effect.catch(effect, (error) =>
    error.isRetryable || passing.test(stateOf(error))
      ? Effect.fail(new UsageUnavailable({ reason: error.message }))
      : Effect.die(error),
  )
