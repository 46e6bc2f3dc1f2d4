/** Rows of `audit_events`, which the kit writes with the changes that they tell of. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import { toDateUtc } from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { offsetOf, type Page, type Paged } from "../Page.ts"
import { all, count, run } from "../rows.ts"
import type { Plan } from "../workspaces/Plan.ts"
import type { WorkspaceId } from "../workspaces/Workspace.ts"
import { AuditEvent } from "./AuditEvent.ts"

/** Which changes of a workspace; what is none excludes nothing. */
export interface AuditFilter {
  readonly actorId: Option.Option<string>
  readonly action: Option.Option<string>
  readonly resourceId: Option.Option<string>
  /** At or after. */
  readonly since: Option.Option<DateTime.Utc>
  /** Before. */
  readonly until: Option.Option<DateTime.Utc>
}

export class AuditEventStore extends Context.Service<
  AuditEventStore,
  {
    /** Those of so many days, the newest first. */
    readonly list: (
      workspaceId: WorkspaceId,
      days: number,
      filter: AuditFilter,
      page: Page,
    ) => Effect.Effect<Paged<AuditEvent>>
    /** Deletes what is older than so many days, of the workspaces of one plan. */
    readonly sweep: (plan: Plan, days: number) => Effect.Effect<void>
  }
>()("control-plane/AuditEventStore") {
  static readonly layer = Layer.effect(
    AuditEventStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const events = all(AuditEvent)
      const daysAgo = (days: number) => sql`now() - make_interval(days => ${days}::int)`

      return AuditEventStore.of({
        list: Effect.fnUntraced(function* (workspaceId, days, { actorId, action, resourceId, since, until }, page) {
          const wanted = sql.and([
            sql`container_id = ${workspaceId}`,
            sql`occurred_at >= ${daysAgo(days)}`,
            ...Option.toArray(Option.map(actorId, (id) => sql`(actor_kind = 'user' AND actor_id = ${id})`)),
            ...Option.toArray(Option.map(action, (name) => sql`action = ${name}`)),
            ...Option.toArray(Option.map(resourceId, (id) => sql`resource_id = ${id}`)),
            ...Option.toArray(Option.map(since, (time) => sql`occurred_at >= ${toDateUtc(time)}`)),
            ...Option.toArray(Option.map(until, (time) => sql`occurred_at < ${toDateUtc(time)}`)),
          ])
          const { count: total } = yield* count(sql`SELECT count(*)::int AS count FROM audit_events WHERE ${wanted}`)
          const data = yield* events(sql`
            SELECT id, container_id AS workspace_id, action, actor_kind, actor_id, resource_id, details, request_id,
              remote_address, occurred_at
            FROM audit_events WHERE ${wanted}
            ORDER BY occurred_at DESC, id DESC LIMIT ${page.pageSize} OFFSET ${offsetOf(page)}`)
          return { ...page, total, data }
        }),
        sweep: (plan, days) =>
          run(sql`
            DELETE FROM audit_events USING workspaces AS workspace
            WHERE container_id = workspace.id AND workspace.plan = ${plan} AND occurred_at < ${daysAgo(days)}`),
      })
    }),
  )
}
