/** Rows of `members`: who belongs to a workspace, and by which role. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { ApplicationId } from "../applications/Application.ts"
import { offsetOf, type Page, type Paged } from "../Page.ts"
import { all, count, first } from "../rows.ts"
import type { UserId } from "../users/User.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"
import { Member, type MemberStatus } from "./Member.ts"
import { MemberRole } from "./Role.ts"

/** By which role somebody belongs to which workspace. */
export const Standing = Schema.Struct({ role: MemberRole, workspaceId: WorkspaceId })
export type Standing = typeof Standing.Type

export class MemberStore extends Context.Service<
  MemberStore,
  {
    /** By which role a user is an active member of a workspace that is not gone. */
    readonly inWorkspace: (userId: UserId, id: WorkspaceId) => Effect.Effect<Option.Option<Standing>>
    /** The same for the workspace of an application that is not gone. */
    readonly forApplication: (userId: UserId, id: ApplicationId) => Effect.Effect<Option.Option<Standing>>
    /** In the order in which they were added. */
    readonly list: (
      workspaceId: WorkspaceId,
      status: Option.Option<MemberStatus>,
      page: Page,
    ) => Effect.Effect<Paged<Member>>
  }
>()("control-plane/MemberStore") {
  static readonly layer = Layer.effect(
    MemberStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const standing = first(Standing)
      const members = all(Member)

      return MemberStore.of({
        inWorkspace: (userId, id) =>
          standing(sql`
            SELECT member.role, member.workspace_id FROM members AS member
            JOIN workspaces AS workspace ON workspace.id = member.workspace_id AND workspace.status <> 'deleted'
            WHERE member.workspace_id = ${id} AND member.user_id = ${userId} AND member.status = 'active'`),
        forApplication: (userId, id) =>
          standing(sql`
            SELECT member.role, member.workspace_id FROM applications AS application
            JOIN workspaces AS workspace ON workspace.id = application.workspace_id AND workspace.status <> 'deleted'
            JOIN members AS member ON member.workspace_id = workspace.id
            WHERE application.id = ${id} AND application.status <> 'deleted'
              AND member.user_id = ${userId} AND member.status = 'active'`),
        list: Effect.fnUntraced(function* (workspaceId, status, page) {
          const wanted = sql.and([
            sql`member.workspace_id = ${workspaceId}`,
            ...Option.match(status, { onNone: () => [], onSome: (is) => [sql`member.status = ${is}`] }),
          ])
          const { count: total } = yield* count(
            sql`SELECT count(*)::int AS count FROM members AS member WHERE ${wanted}`,
          )
          const data = yield* members(sql`
            SELECT member.id, member.workspace_id, member.user_id, coalesce(account.email, member.invited_email) AS email,
              coalesce(account.name, '') AS name, member.role, member.status, member.invited_by, member.invited_at,
              member.joined_at, member.updated_at
            FROM members AS member LEFT JOIN users AS account ON account.id = member.user_id
            WHERE ${wanted}
            ORDER BY member.created_at, member.id LIMIT ${page.pageSize} OFFSET ${offsetOf(page)}`)
          return { ...page, total, data }
        }),
      })
    }),
  )
}
