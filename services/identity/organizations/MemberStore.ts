/** Rows of `members`: who belongs to an organization, and who is invited. What is over is not there. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as SqlSchema from "effect/sql/SqlSchema"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { Page } from "../users/Page.ts"
import type { UserId } from "../users/User.ts"
import { Member, type MemberId, type MemberStatus } from "./Member.ts"
import type { OrganizationId } from "./Organization.ts"
import type { Role } from "./Role.ts"

interface Count {
  readonly count: number
}

export interface MemberFilter {
  readonly organizationId: OrganizationId
  /** Undefined: both. */
  readonly status: MemberStatus | undefined
}

export class MemberStore extends Context.Service<
  MemberStore,
  {
    /** The longest in the organization first, then the invitations. */
    readonly list: (filter: MemberFilter, page: Page) => Effect.Effect<ReadonlyArray<Member>, DatabaseFailed>
    readonly count: (filter: MemberFilter) => Effect.Effect<number, DatabaseFailed>
    readonly find: (
      organizationId: OrganizationId,
      id: MemberId,
    ) => Effect.Effect<Option.Option<Member>, DatabaseFailed>
    readonly findOfUser: (
      organizationId: OrganizationId,
      userId: UserId,
    ) => Effect.Effect<Option.Option<Member>, DatabaseFailed>
    /** A member with this address, or an open invitation to it. */
    readonly findByAddress: (
      organizationId: OrganizationId,
      email: string,
    ) => Effect.Effect<Option.Option<Member>, DatabaseFailed>
    readonly countOtherOwners: (member: Member) => Effect.Effect<number, DatabaseFailed>
    readonly setRole: (id: MemberId, role: Role) => Effect.Effect<void, DatabaseFailed>
    readonly delete: (id: MemberId) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/MemberStore") {
  static readonly layer = Layer.effect(
    MemberStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const columns = sql.literal(`m.id, m.organization_id, m.user_id, coalesce(u.email, m.email, '') AS email,
        u.display_name AS name, m.role, m.status, m.invited_at, m.invitation_expires_at, m.joined_at`)
      // An invitation is nobody's yet, and of a deleted account nothing is shown.
      const standing = sql.literal(`members m LEFT JOIN users u ON u.id = m.user_id
        WHERE (m.status = 'active' AND u.deleted_at IS NULL OR m.status = 'invited' AND m.invitation_expires_at > now())`)

      const matches = ({ organizationId, status }: MemberFilter) => sql`
        FROM ${standing} AND m.organization_id = ${organizationId}::uuid
          AND (${status ?? null}::text IS NULL OR m.status = ${status ?? null}::text)`

      const list = SqlSchema.findAll({
        Request: Schema.Any,
        Result: Member,
        execute: ({ filter, page: { page, pageSize } }: { readonly filter: MemberFilter; readonly page: Page }) => sql`
          SELECT ${columns} ${matches(filter)}
          ORDER BY m.joined_at NULLS LAST, m.invited_at, m.id
          LIMIT ${pageSize}::int OFFSET ${(page - 1) * pageSize}::int`,
      })

      const find = SqlSchema.findOneOption({
        Request: Schema.Any,
        Result: Member,
        execute: ({ organizationId, id }: Pick<Member, "organizationId" | "id">) => sql`
          SELECT ${columns} FROM ${standing}
            AND m.organization_id = ${organizationId}::uuid AND m.id = ${id}::uuid`,
      })

      const findOfUser = SqlSchema.findOneOption({
        Request: Schema.Any,
        Result: Member,
        execute: ({ organizationId, userId }: { readonly organizationId: OrganizationId; readonly userId: UserId }) =>
          sql`
            SELECT ${columns} FROM ${standing}
              AND m.organization_id = ${organizationId}::uuid AND m.user_id = ${userId}::uuid`,
      })

      const findByAddress = SqlSchema.findOneOption({
        Request: Schema.Any,
        Result: Member,
        execute: ({ organizationId, email }: Pick<Member, "organizationId" | "email">) => sql`
          SELECT ${columns} FROM ${standing} AND m.organization_id = ${organizationId}::uuid
            AND lower(CASE m.status WHEN 'active' THEN u.email ELSE m.email END) = lower(${email})
          ORDER BY m.status LIMIT 1`,
      })

      const counted = (rows: Effect.Effect<ReadonlyArray<Count>, SqlError>) =>
        orDatabaseFailed(Effect.map(rows, ([row]) => row?.count ?? 0))

      return MemberStore.of({
        list: (filter, page) => orDatabaseFailed(list({ filter, page })),
        count: (filter) => counted(sql<Count>`SELECT count(*)::int AS count ${matches(filter)}`),
        find: (organizationId, id) => orDatabaseFailed(find({ organizationId, id })),
        findOfUser: (organizationId, userId) => orDatabaseFailed(findOfUser({ organizationId, userId })),
        findByAddress: (organizationId, email) => orDatabaseFailed(findByAddress({ organizationId, email })),
        countOtherOwners: ({ id, organizationId }) =>
          counted(sql<Count>`
            SELECT count(*)::int AS count FROM ${standing} AND m.organization_id = ${organizationId}::uuid
              AND m.status = 'active' AND m.role = 'owner' AND m.id <> ${id}::uuid`),
        setRole: (id, role) =>
          orDatabaseFailed(Effect.asVoid(sql`UPDATE members SET role = ${role} WHERE id = ${id}::uuid`)),
        delete: (id) => orDatabaseFailed(Effect.asVoid(sql`DELETE FROM members WHERE id = ${id}::uuid`)),
      })
    }),
  )
}
