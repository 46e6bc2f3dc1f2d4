/** Rows of `organizations`, as their members see them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlSchema from "effect/sql/SqlSchema"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { Page } from "../users/Page.ts"
import type { UserId } from "../users/User.ts"
import type { MemberId } from "./Member.ts"
import { Organization, type OrganizationId } from "./Organization.ts"

export interface NewOrganization {
  readonly id: OrganizationId
  readonly name: string
  /** Its first owner, and that person's place in it. */
  readonly founder: UserId
  readonly memberId: MemberId
}

export class OrganizationStore extends Context.Service<
  OrganizationStore,
  {
    readonly insert: (organization: NewOrganization) => Effect.Effect<void, DatabaseFailed>
    /** None where the user is not a member. */
    readonly find: (id: OrganizationId, userId: UserId) => Effect.Effect<Option.Option<Organization>, DatabaseFailed>
    /**
     * As `find`, and until the transaction ends nobody else changes the organization, its members or its invitations. A
     * stranger locks nothing.
     */
    readonly lock: (id: OrganizationId, userId: UserId) => Effect.Effect<Option.Option<Organization>, DatabaseFailed>
    /** By name. */
    readonly list: (userId: UserId, page: Page) => Effect.Effect<ReadonlyArray<Organization>, DatabaseFailed>
    readonly count: (userId: UserId) => Effect.Effect<number, DatabaseFailed>
    readonly countOwned: (userId: UserId) => Effect.Effect<number, DatabaseFailed>
    readonly rename: (id: OrganizationId, name: string) => Effect.Effect<void, DatabaseFailed>
    /** With its members and invitations. */
    readonly delete: (id: OrganizationId) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/OrganizationStore") {
  static readonly layer = Layer.effect(
    OrganizationStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const seen = sql.literal(`
        SELECT o.id, o.name, own.role, o.created_at, o.updated_at, (
          SELECT count(*)::int FROM members m JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
          WHERE m.organization_id = o.id AND m.status = 'active'
        ) AS member_count
        FROM members own JOIN organizations o ON o.id = own.organization_id`)

      const find = SqlSchema.findOneOption({
        Request: Schema.Any,
        Result: Organization,
        execute: ({ id, userId }: { readonly id: OrganizationId; readonly userId: UserId }) => sql`
          ${seen} WHERE o.id = ${id}::uuid AND own.user_id = ${userId}::uuid AND own.status = 'active'`,
      })

      const list = SqlSchema.findAll({
        Request: Schema.Any,
        Result: Organization,
        execute: ({ userId, page: { page, pageSize } }: { readonly userId: UserId; readonly page: Page }) => sql`
          ${seen} WHERE own.user_id = ${userId}::uuid AND own.status = 'active'
          ORDER BY lower(o.name), o.id
          LIMIT ${pageSize}::int OFFSET ${(page - 1) * pageSize}::int`,
      })

      const lock = Effect.fnUntraced(function* (id: OrganizationId, userId: UserId) {
        // Two statements: one that waits for a lock reads everything else as it was before it began to wait.
        yield* sql`
          SELECT 1 FROM organizations
          WHERE id = ${id}::uuid AND EXISTS (
            SELECT 1 FROM members WHERE organization_id = ${id}::uuid AND user_id = ${userId}::uuid AND status = 'active'
          )
          FOR UPDATE`
        return yield* find({ id, userId })
      })

      const count = (userId: UserId, role: "owner" | null) =>
        orDatabaseFailed(
          Effect.map(
            sql<{ readonly count: number }>`
              SELECT count(*)::int AS count FROM members
              WHERE user_id = ${userId}::uuid AND status = 'active' AND (${role}::text IS NULL OR role = ${role}::text)`,
            ([row]) => row?.count ?? 0,
          ),
        )

      return OrganizationStore.of({
        insert: ({ id, name, founder, memberId }) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              WITH organization AS (
                INSERT INTO organizations (id, name) VALUES (${id}::uuid, ${name}) RETURNING id
              )
              INSERT INTO members (id, organization_id, user_id, role, status, joined_at)
              SELECT ${memberId}::uuid, id, ${founder}::uuid, 'owner', 'active', now() FROM organization`),
          ),
        find: (id, userId) => orDatabaseFailed(find({ id, userId })),
        lock: (id, userId) => orDatabaseFailed(lock(id, userId)),
        list: (userId, page) => orDatabaseFailed(list({ userId, page })),
        count: (userId) => count(userId, null),
        countOwned: (userId) => count(userId, "owner"),
        rename: (id, name) =>
          orDatabaseFailed(
            Effect.asVoid(sql`UPDATE organizations SET name = ${name}, updated_at = now() WHERE id = ${id}::uuid`),
          ),
        delete: (id) => orDatabaseFailed(Effect.asVoid(sql`DELETE FROM organizations WHERE id = ${id}::uuid`)),
      })
    }),
  )
}
