/** Rows of `applications`. Knows rows and constraints; decides nothing. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { offsetOf, type Page, type Paged } from "../Page.ts"
import { all, count, first, only } from "../rows.ts"
import { SlugTaken, type WorkspaceId } from "../workspaces/Workspace.ts"
import { Application, type ApplicationId, type ApplicationStatus, type Environment } from "./Application.ts"
import type { ApplicationConfig } from "./ApplicationConfig.ts"

export interface NewApplication {
  readonly id: ApplicationId
  readonly workspaceId: WorkspaceId
  readonly name: string
  readonly slug: string
  readonly environment: Environment
  readonly region: string
  readonly config: ApplicationConfig
}

export interface ApplicationFilter {
  readonly environment: Option.Option<Environment>
  /** None: any but deleted. */
  readonly status: Option.Option<ApplicationStatus>
}

const Version = Schema.Struct({ version: Schema.BigInt })

export class ApplicationStore extends Context.Service<
  ApplicationStore,
  {
    readonly insert: (application: NewApplication) => Effect.Effect<void, SlugTaken>
    readonly find: (id: ApplicationId) => Effect.Effect<Option.Option<Application>>
    /** As `find`; it stays as it is until the transaction ends. */
    readonly lock: (id: ApplicationId) => Effect.Effect<Option.Option<Application>>
    /** Of one workspace, newest first. */
    readonly list: (
      workspaceId: WorkspaceId,
      filter: ApplicationFilter,
      page: Page,
    ) => Effect.Effect<Paged<Application>>
    /** Of the whole installation by id, after the given one; those deleted more than 90 days ago are left out. */
    readonly listAll: (after: string, limit: number) => Effect.Effect<ReadonlyArray<Application>>
    /** How many of a workspace are not being deleted. */
    readonly countOpen: (workspaceId: WorkspaceId) => Effect.Effect<number>
    /** Counts a change of what is wanted of every instance of the workspace that is not gone, and answers with them. */
    readonly bumpGenerations: (workspaceId: WorkspaceId) => Effect.Effect<ReadonlyArray<ApplicationId>>
    /** Counts a change of what proxies remember of the application; the new count. */
    readonly bumpVersion: (id: ApplicationId) => Effect.Effect<bigint>
  }
>()("control-plane/ApplicationStore") {
  static readonly layer = Layer.effect(
    ApplicationStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const applications = all(Application)
      const application = first(Application)
      const version = only(Version)
      const ids = all(Application.mapFields(({ id }) => ({ id })))
      const select = sql`
        SELECT application.id, application.workspace_id, workspace.plan, application.name, application.slug,
          application.environment, application.region, application.config, application.status,
          application.status_reason, application.generation, application.restart_count, application.version,
          application.created_at, application.updated_at, application.deleted_at, application.purge_at,
          (
            SELECT key.public_key FROM api_keys AS key
            WHERE key.application_id = application.id AND key.public_key IS NOT NULL AND key.revoked_at IS NULL
            ORDER BY key.created_at LIMIT 1
          ) AS public_key
        FROM applications AS application
        JOIN workspaces AS workspace ON workspace.id = application.workspace_id`

      return ApplicationStore.of({
        insert: Effect.fnUntraced(function* ({ id, workspaceId, name, slug, environment, region, config }) {
          const inserted = yield* Effect.orDie(sql`
            INSERT INTO applications (id, workspace_id, name, slug, environment, region, config)
            VALUES (${id}, ${workspaceId}, ${name}, ${slug}, ${environment}, ${region},
              ${JSON.stringify(config)}::text::jsonb)
            ON CONFLICT (workspace_id, slug) WHERE status <> 'deleted' DO NOTHING
            RETURNING id`)
          if (inserted.length === 0) return yield* new SlugTaken({ slug })
        }),
        find: (id) => application(sql`${select} WHERE application.id = ${id}`),
        lock: (id) => application(sql`${select} WHERE application.id = ${id} FOR NO KEY UPDATE OF application`),
        list: Effect.fnUntraced(function* (workspaceId, { environment, status }, page) {
          const wanted = sql.and([
            sql`application.workspace_id = ${workspaceId}`,
            ...Option.toArray(Option.map(environment, (is) => sql`application.environment = ${is}`)),
            Option.match(status, {
              onNone: () => sql`application.status <> 'deleted'`,
              onSome: (is) => sql`application.status = ${is}`,
            }),
          ])
          const { count: total } = yield* count(
            sql`SELECT count(*)::int AS count FROM applications AS application WHERE ${wanted}`,
          )
          const data = yield* applications(sql`
            ${select} WHERE ${wanted}
            ORDER BY application.created_at DESC, application.id DESC
            LIMIT ${page.pageSize} OFFSET ${offsetOf(page)}`)
          return { ...page, total, data }
        }),
        listAll: (after, limit) =>
          applications(sql`
            ${select}
            WHERE application.id > ${after}
              AND (application.status <> 'deleted' OR coalesce(application.deleted_at, application.updated_at) > now() - interval '90 days')
            ORDER BY application.id LIMIT ${limit}`),
        countOpen: (workspaceId) =>
          Effect.map(
            count(sql`
              SELECT count(*)::int AS count FROM applications
              WHERE workspace_id = ${workspaceId} AND status NOT IN ('deleting', 'deleted')`),
            ({ count }) => count,
          ),
        bumpGenerations: (workspaceId) =>
          Effect.map(
            ids(sql`
              UPDATE applications SET generation = generation + 1, updated_at = now()
              WHERE workspace_id = ${workspaceId} AND status <> 'deleted'
              RETURNING id`),
            (rows) => rows.map(({ id }) => id),
          ),
        bumpVersion: (id) =>
          Effect.map(
            version(sql`UPDATE applications SET version = version + 1 WHERE id = ${id} RETURNING version`),
            ({ version }) => version,
          ),
      })
    }),
  )
}
