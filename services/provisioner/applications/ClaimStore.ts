/**
 * The lease of an application, and what its holder notes down. Every statement does nothing, and says so, when the lease
 * has gone to somebody else or another generation is wanted: then the holder must stop.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import type { Announcement } from "./Announcement.ts"
import type { Provisioning } from "./Provisioning.ts"
import { changedChannel, type ProvisioningRow, provisioningColumns, toProvisioning } from "./ProvisioningStore.ts"
import type { StepName } from "./Step.ts"

/** An application as it was when its holder got it. */
export interface Claim {
  readonly owner: string
  readonly provisioning: Provisioning
  /** How often it had been called for by then. */
  readonly wakes: bigint
}

/** The lease has gone to another worker, or another generation is wanted. */
export class ClaimLost extends Schema.TaggedError<ClaimLost>()("ClaimLost", {}) {}

/** A step that failed, and why. */
export interface Failure {
  readonly step: StepName
  readonly error: string
}

export class ClaimStore extends Context.Service<
  ClaimStore,
  {
    /** Takes the application that has been due for longest and that nobody holds, for that long; none: all is done. */
    readonly claim: (owner: string, lease: Duration.Duration) => Effect.Effect<Option.Option<Claim>, SqlError>
    /** Counts the time anew. */
    readonly renew: (claim: Claim, lease: Duration.Duration) => Effect.Effect<void, SqlError | ClaimLost>
    /** Gives it back as it is: somebody else goes on. Nothing happens where it is no longer held. */
    readonly release: (claim: Claim) => Effect.Effect<void, SqlError>
    /** The steps that begin now, and those that were found done. */
    readonly begin: (
      claim: Claim,
      begun: ReadonlyArray<StepName>,
      done: ReadonlyArray<StepName>,
    ) => Effect.Effect<void, SqlError | ClaimLost>
    readonly end: (claim: Claim, step: StepName) => Effect.Effect<void, SqlError | ClaimLost>
    /** Notes what the control plane is told. */
    readonly announce: (claim: Claim, announcement: Announcement) => Effect.Effect<void, SqlError | ClaimLost>
    /** Everything is as wanted: gives it back, to be looked at again after that time, or only when it is called for. */
    readonly finish: (
      claim: Claim,
      recheck: Option.Option<Duration.Duration>,
    ) => Effect.Effect<void, SqlError | ClaimLost>
    /** The attempt failed: gives it back for the next one, or for good. */
    readonly fail: (
      claim: Claim,
      failures: ReadonlyArray<Failure>,
      then: { readonly retryAfter: Duration.Duration } | { readonly reason: string },
    ) => Effect.Effect<void, SqlError | ClaimLost>
  }
>()("provisioner/ClaimStore") {
  static readonly layer = Layer.effect(
    ClaimStore,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const seconds = (duration: Duration.Duration) =>
        sql`make_interval(secs => ${Duration.toSeconds(duration)}::float8)`
      const held = ({ owner, provisioning: { id, desired } }: Claim) =>
        sql`id = ${id} AND lease_owner = ${owner} AND generation = ${desired.generation}`
      const notify = sql.literal(`SELECT pg_notify('${changedChannel}', id) FROM held`)
      const orLost = (rows: Effect.Effect<ReadonlyArray<unknown>, SqlError>) =>
        Effect.flatMap(rows, ({ length }) => (length === 0 ? Effect.fail(new ClaimLost()) : Effect.void))

      const claim = Effect.fnUntraced(function* (owner: string, lease: Duration.Duration) {
        const rows = yield* sql<ProvisioningRow & { readonly wakes: bigint }>`
          UPDATE applications SET lease_owner = ${owner}, lease_until = now() + ${seconds(lease)}
          FROM (
            SELECT id AS due FROM applications
            WHERE due_at <= now() AND (lease_until IS NULL OR lease_until <= now())
            ORDER BY due_at
            LIMIT 1
            FOR UPDATE SKIP LOCKED
          ) AS oldest
          WHERE id = due
          RETURNING ${provisioningColumns(sql)}, wakes`
        return yield* Effect.transposeOption(
          Option.map(Option.fromUndefinedOr(rows[0]), (row) =>
            Effect.map(toProvisioning(row), (provisioning) => ({ owner, provisioning, wakes: row.wakes })),
          ),
        )
      })

      return ClaimStore.of({
        claim,
        renew: (claim, lease) =>
          orLost(sql`
            UPDATE applications SET lease_until = now() + ${seconds(lease)} WHERE ${held(claim)} RETURNING 1`),
        release: ({ owner, provisioning }) =>
          Effect.asVoid(sql`
            WITH held AS (
              UPDATE applications SET lease_owner = NULL, lease_until = NULL
              WHERE id = ${provisioning.id} AND lease_owner = ${owner}
              RETURNING id
            )
            ${notify}`),
        begin: (claim, begun, done) =>
          orLost(sql`
            WITH held AS (
              UPDATE applications SET
                failures = CASE WHEN state = 'done' THEN 0 ELSE failures END,
                state = 'running', started_at = coalesce(started_at, now()), ended_at = NULL, updated_at = now()
              WHERE ${held(claim)}
              RETURNING id
            ), found AS (
              INSERT INTO steps (application_id, name, state, attempt)
              SELECT id, name, 'done', 0 FROM held, unnest(${done}::text[]) AS name
              ON CONFLICT (application_id, name) DO UPDATE SET state = 'done', ended_at = now(), error = NULL
              WHERE steps.state <> 'done'
            ), begun AS (
              INSERT INTO steps (application_id, name, state, attempt, started_at)
              SELECT id, name, 'running', 1, now() FROM held, unnest(${begun}::text[]) AS name
              ON CONFLICT (application_id, name) DO UPDATE
                SET state = 'running', attempt = steps.attempt + 1, started_at = now(), ended_at = NULL
            )
            ${notify}`),
        end: (claim, step) =>
          orLost(sql`
            WITH held AS (
              UPDATE applications SET updated_at = now() WHERE ${held(claim)} RETURNING id
            ), ended AS (
              UPDATE steps SET state = 'done', ended_at = now(), error = NULL FROM held
              WHERE application_id = held.id AND name = ${step}
            )
            ${notify}`),
        announce: (claim, { status, instanceUrl, generation }) =>
          orLost(sql`
            WITH held AS (
              UPDATE applications SET announced_status = ${status}, announced_url = ${instanceUrl},
                announced_generation = ${generation}, updated_at = now()
              WHERE ${held(claim)}
              RETURNING id
            )
            ${notify}`),
        // Somebody may have called for it meanwhile: then it is due at once.
        finish: (claim, recheck) =>
          orLost(sql`
            WITH held AS (
              UPDATE applications SET lease_owner = NULL, lease_until = NULL,
                due_at = CASE WHEN wakes = ${claim.wakes} THEN ${Option.match(recheck, {
                  onNone: () => sql`NULL`,
                  onSome: (after) => sql`now() + ${seconds(after)}`,
                })} ELSE now() END,
                updated_at = CASE WHEN state = 'done' THEN updated_at ELSE now() END,
                ended_at = CASE WHEN state = 'done' THEN ended_at ELSE now() END,
                started_at = coalesce(started_at, now()),
                state = 'done', reason = NULL, observed_generation = generation
              WHERE ${held(claim)}
              RETURNING id
            ), ended AS (
              UPDATE steps SET state = 'done', ended_at = now(), error = NULL FROM held
              WHERE application_id = held.id AND steps.state <> 'done'
            )
            ${notify}`),
        fail: (claim, failures, then) => {
          const [state, reason, dueAt] =
            "reason" in then
              ? (["failed", then.reason, sql`NULL`] as const)
              : (["waiting", null, sql`now() + ${seconds(then.retryAfter)}`] as const)
          return orLost(sql`
            WITH held AS (
              UPDATE applications SET lease_owner = NULL, lease_until = NULL, due_at = ${dueAt},
                failures = CASE WHEN state = 'done' THEN 1 ELSE failures + 1 END,
                started_at = coalesce(started_at, now()),
                state = ${state}, reason = ${reason}::text, updated_at = now(),
                ended_at = CASE WHEN ${state} = 'failed' THEN now() END
              WHERE ${held(claim)}
              RETURNING id
            ), failed AS (
              UPDATE steps SET state = 'failed', ended_at = now(), error = left(failure.error, 1000)
              FROM held, unnest(${failures.map(({ step }) => step)}::text[],
                ${failures.map(({ error }) => error)}::text[]) AS failure (step, error)
              WHERE application_id = held.id AND name = failure.step
            )
            ${notify}`)
        },
      })
    }),
  )
}
