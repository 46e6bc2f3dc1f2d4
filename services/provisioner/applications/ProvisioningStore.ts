/** Rows of `applications` and `steps`, as everybody may read them, and the desired state as events bring it. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import type { ApplicationId, Desired, Settings, Wanted } from "./Application.ts"
import { Provisioning, type State } from "./Provisioning.ts"

/** The channel that carries the id of every application of which something changed. */
export const changedChannel = "provisioning"

/** Which applications to list; a cursor is the last one of the page before. */
export interface Filter {
  readonly states: ReadonlyArray<State>
  readonly wanted: ReadonlyArray<Wanted>
  readonly workspaceId: Option.Option<string>
  readonly after: Option.Option<Cursor>
  readonly limit: number
}

/** The order of lists: the last changed first. Microseconds since the epoch. */
export interface Cursor {
  readonly updatedMicros: bigint
  readonly id: string
}

export interface Listed {
  readonly provisioning: Provisioning
  readonly cursor: Cursor
}

export class ProvisioningStore extends Context.Service<
  ProvisioningStore,
  {
    /** Takes over a desired state, unless one of this generation or a later one is there: then false. */
    readonly desire: (desired: Desired) => Effect.Effect<boolean, SqlError>
    readonly find: (id: ApplicationId) => Effect.Effect<Option.Option<Provisioning>, SqlError>
    readonly list: (filter: Filter) => Effect.Effect<ReadonlyArray<Listed>, SqlError>
    /** Gives a failed application new attempts, now; nothing happens to another. */
    readonly retry: (id: ApplicationId) => Effect.Effect<void, SqlError>
    /**
     * Has an application that is done, or worked on, looked at, though not within two seconds of its being done: what
     * dies as soon as it runs must not keep everybody busy. What waits for its next attempt goes on waiting.
     */
    readonly wake: (id: ApplicationId) => Effect.Effect<void, SqlError>
    /** Has every application looked at that may have something running. */
    readonly wakeAll: Effect.Effect<void, SqlError>
    /**
     * Hands on the id of every application that changes, in whichever process, until the connection breaks; none once
     * it listens, for whatever changed before.
     */
    readonly onChanged: (changed: (id: Option.Option<string>) => Effect.Effect<void>) => Effect.Effect<never, SqlError>
  }
>()("provisioner/ProvisioningStore") {
  static readonly layer = Layer.effect(
    ProvisioningStore,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient

      const desire = Effect.fnUntraced(function* (desired: Desired) {
        const { applicationId, workspaceId, generation, wanted, restartCount } = desired
        const settings = Option.getOrNull(Option.map(desired.settings, (value) => JSON.stringify(value)))
        const rows = yield* sql`
          WITH taken AS (
            INSERT INTO applications (id, workspace_id, generation, wanted, restart_count, settings)
            VALUES (${applicationId}, ${workspaceId}, ${generation}, ${wanted}, ${restartCount},
              ${settings}::text::jsonb)
            ON CONFLICT (id) DO UPDATE SET
              workspace_id = excluded.workspace_id,
              generation = excluded.generation,
              wanted = excluded.wanted,
              restart_count = greatest(applications.restart_count, excluded.restart_count),
              settings = coalesce(excluded.settings, applications.settings),
              state = 'pending', failures = 0, reason = NULL,
              due_at = now(), wakes = applications.wakes + 1,
              started_at = NULL, ended_at = NULL, updated_at = now()
            WHERE applications.generation < excluded.generation
            RETURNING id
          ), forgotten AS (
            DELETE FROM steps USING taken WHERE application_id = taken.id
          )
          SELECT pg_notify(${changedChannel}::text, id) FROM taken`
        return rows.length > 0
      })

      const find = Effect.fnUntraced(function* (id: ApplicationId) {
        const rows = yield* sql<ProvisioningRow>`SELECT ${provisioningColumns(sql)} FROM applications WHERE id = ${id}`
        return yield* Effect.transposeOption(Option.map(Option.fromUndefinedOr(rows[0]), toProvisioning))
      })

      const list = Effect.fnUntraced(function* ({ states, wanted, workspaceId, after, limit }: Filter) {
        const conditions = [
          sql`state = ANY(${states}::text[])`,
          sql`wanted = ANY(${wanted}::text[])`,
          ...Option.toArray(workspaceId).map((id) => sql`workspace_id = ${id}`),
          ...Option.toArray(after).map(
            (last) => sql`(updated_at, id) < (
              'epoch'::timestamptz + ${last.updatedMicros}::bigint * interval '1 microsecond', ${last.id}::text)`,
          ),
        ]
        const rows = yield* sql<ProvisioningRow & { readonly updatedMicros: bigint }>`
          SELECT ${provisioningColumns(sql)}, (extract(epoch FROM updated_at) * 1000000)::bigint AS updated_micros
          FROM applications
          WHERE ${sql.and(conditions)}
          ORDER BY updated_at DESC, id DESC
          LIMIT ${limit}`
        return yield* Effect.forEach(rows, (row) =>
          Effect.map(toProvisioning(row), (provisioning) => ({
            provisioning,
            cursor: { updatedMicros: row.updatedMicros, id: row.id },
          })),
        )
      })

      return ProvisioningStore.of({
        desire,
        find,
        list,
        retry: (id) =>
          Effect.asVoid(sql`
            WITH renewed AS (
              UPDATE applications SET state = 'pending', failures = 0, reason = NULL, ended_at = NULL,
                due_at = now(), wakes = wakes + 1, updated_at = now()
              WHERE id = ${id} AND state = 'failed'
              RETURNING id
            )
            SELECT pg_notify(${changedChannel}::text, id) FROM renewed`),
        wake: (id) =>
          Effect.asVoid(sql`
            WITH woken AS (
              UPDATE applications SET due_at = greatest(now(), ended_at + interval '2 seconds'), wakes = wakes + 1
              WHERE id = ${id} AND state IN ('pending', 'running', 'done')
              RETURNING id
            )
            SELECT pg_notify(${changedChannel}::text, id) FROM woken`),
        wakeAll: Effect.asVoid(sql`
          UPDATE applications SET due_at = now(), wakes = wakes + 1
          WHERE wanted <> 'absent' AND state IN ('done', 'waiting')`),
        // On a connection of its own: one that is taken out of a pool for good can leave statements that had been queued
        // on it waiting for ever.
        onChanged: (changed) =>
          Effect.gen(function* () {
            const own = yield* PgClient.makeClient(sql.config)
            const notifications = yield* own.listen(changedChannel)
            yield* changed(Option.none())
            return yield* Effect.forever(
              Effect.flatMap(Queue.take(notifications), ({ payload }) => changed(Option.some(payload))),
            )
          }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
      })
    }),
  )
}

/** What `provisioningColumns` selects. */
export interface ProvisioningRow {
  readonly id: string
  readonly workspaceId: string
  readonly generation: bigint
  readonly wanted: string
  readonly restartCount: number
  readonly settings: Settings | null
  readonly state: string
  readonly failures: number
  readonly observedGeneration: bigint
  readonly reason: string | null
  readonly announcedStatus: string | null
  readonly announcedUrl: string | null
  readonly announcedGeneration: bigint | null
  readonly dueAt: Date | null
  readonly startedAt: Date | null
  readonly updatedAt: Date
  readonly endedAt: Date | null
  readonly known: ReadonlyArray<unknown>
}

/** The columns of `applications` that make a Provisioning, its steps among them. */
export const provisioningColumns = (sql: PgClient.PgClient) =>
  sql.literal(`
    applications.id, workspace_id, generation, wanted, restart_count, settings, state, failures, observed_generation,
    reason, announced_status, announced_url, announced_generation, due_at, started_at, updated_at, ended_at,
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', name, 'state', steps.state, 'attempt', attempt,
      'startedAt', floor(extract(epoch FROM steps.started_at) * 1000),
      'endedAt', floor(extract(epoch FROM steps.ended_at) * 1000),
      'error', error) ORDER BY name), '[]') FROM steps WHERE application_id = applications.id) AS known`)

const decode = Schema.decodeUnknownEffect(Provisioning)

/** A row that is no Provisioning is a defect of ours. */
export const toProvisioning = (row: ProvisioningRow): Effect.Effect<Provisioning> => {
  const { id: applicationId, workspaceId, generation, wanted, restartCount, settings, ...progress } = row
  const { announcedStatus: status, announcedUrl: instanceUrl, announcedGeneration, ...rest } = progress
  return Effect.orDie(
    decode({
      ...rest,
      desired: { applicationId, workspaceId, generation, wanted, restartCount, settings },
      announced: status === null ? null : { status, instanceUrl, generation: announcedGeneration },
    }),
  )
}
