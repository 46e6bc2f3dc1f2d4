/** Rows of `workspaces`, as their members see them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { MemberId } from "../members/Member.ts"
import { offsetOf, type Page, type Paged } from "../Page.ts"
import { all, count, first, run } from "../rows.ts"
import type { UserId } from "../users/User.ts"
import type { Metadata } from "./Metadata.ts"
import type { Plan } from "./Plan.ts"
import { SlugTaken, Tenancy, Workspace, type WorkspaceId } from "./Workspace.ts"

export interface NewWorkspace {
  readonly id: WorkspaceId
  readonly name: string
  readonly slug: string
  readonly plan: Plan
  readonly metadata: Metadata
  readonly owner: { readonly memberId: MemberId; readonly userId: UserId }
}

export class WorkspaceStore extends Context.Service<
  WorkspaceStore,
  {
    /** The workspace with its first member, the owner. */
    readonly insert: (workspace: NewWorkspace) => Effect.Effect<void, SlugTaken>
    /** The workspace as this user sees it; none to somebody who is no active member. */
    readonly find: (id: WorkspaceId, viewer: UserId) => Effect.Effect<Option.Option<Workspace>>
    /** All that the user is an active member of, newest first. */
    readonly list: (viewer: UserId, page: Page) => Effect.Effect<Paged<Workspace>>
    readonly countOwned: (owner: UserId) => Effect.Effect<number>
    readonly update: (
      id: WorkspaceId,
      values: { readonly name: string; readonly plan: Plan; readonly metadata: Metadata },
    ) => Effect.Effect<void>
    readonly tenancy: (id: WorkspaceId) => Effect.Effect<Option.Option<Tenancy>>
    /** As `tenancy`; it stays as it is until the transaction ends. */
    readonly lock: (id: WorkspaceId) => Effect.Effect<Option.Option<Tenancy>>
  }
>()("control-plane/WorkspaceStore") {
  static readonly layer = Layer.effect(
    WorkspaceStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const workspaces = all(Workspace)
      const workspace = first(Workspace)
      const tenancy = first(Tenancy)
      const owned = (viewer: UserId) => sql`
        FROM members AS member
        JOIN workspaces AS workspace ON workspace.id = member.workspace_id AND workspace.status <> 'deleted'
        WHERE member.user_id = ${viewer} AND member.status = 'active'`
      const present = (id: WorkspaceId) => sql`
        SELECT plan, status FROM workspaces WHERE id = ${id} AND status <> 'deleted'`
      const columns = sql.literal(`
        workspace.id, workspace.name, workspace.slug, workspace.plan, workspace.status, workspace.metadata,
        workspace.created_at, workspace.updated_at, workspace.purge_at, member.role,
        (
          SELECT owner.user_id FROM members AS owner
          WHERE owner.workspace_id = workspace.id AND owner.role = 'owner' AND owner.status = 'active'
          ORDER BY owner.joined_at, owner.id LIMIT 1
        ) AS owner_id`)

      return WorkspaceStore.of({
        insert: Effect.fnUntraced(function* ({ id, name, slug, plan, metadata, owner }) {
          const inserted = yield* Effect.orDie(sql`
            INSERT INTO workspaces (id, name, slug, plan, metadata)
            VALUES (${id}, ${name}, ${slug}, ${plan}, ${JSON.stringify(metadata)}::text::jsonb)
            ON CONFLICT (slug) DO NOTHING
            RETURNING id`)
          if (inserted.length === 0) return yield* new SlugTaken({ slug })
          yield* run(sql`
            INSERT INTO members (id, workspace_id, user_id, role, status, joined_at)
            VALUES (${owner.memberId}, ${id}, ${owner.userId}, 'owner', 'active', now())`)
        }),
        find: (id, viewer) => workspace(sql`SELECT ${columns} ${owned(viewer)} AND workspace.id = ${id}`),
        list: Effect.fnUntraced(function* (viewer, page) {
          const { count: total } = yield* count(sql`SELECT count(*)::int AS count ${owned(viewer)}`)
          const data = yield* workspaces(sql`
            SELECT ${columns} ${owned(viewer)}
            ORDER BY workspace.created_at DESC, workspace.id DESC LIMIT ${page.pageSize} OFFSET ${offsetOf(page)}`)
          return { ...page, total, data }
        }),
        countOwned: (owner) =>
          Effect.map(
            count(sql`SELECT count(*)::int AS count ${owned(owner)} AND member.role = 'owner'`),
            ({ count }) => count,
          ),
        update: (id, { name, plan, metadata }) =>
          run(sql`
            UPDATE workspaces
            SET name = ${name}, plan = ${plan}, metadata = ${JSON.stringify(metadata)}::text::jsonb, updated_at = now()
            WHERE id = ${id}`),
        tenancy: (id) => tenancy(present(id)),
        lock: (id) => tenancy(sql`${present(id)} FOR NO KEY UPDATE`),
      })
    }),
  )
}
