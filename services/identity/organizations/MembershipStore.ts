/** Rows of `members` that are about one person, of a deleted account too: for who exports or erases what is theirs. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlSchema from "effect/sql/SqlSchema"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import { UserId } from "../users/User.ts"
import { Membership } from "./Membership.ts"

export class MembershipStore extends Context.Service<
  MembershipStore,
  {
    /** All of them, the oldest first. */
    readonly ofUser: (userId: UserId) => Effect.Effect<ReadonlyArray<Membership>, DatabaseFailed>
    /**
     * Ends all of them, and those organizations with them that nobody else belongs to. While the account still has its
     * address: if the person has shown that it is theirs, open invitations to it go too. Until the transaction ends
     * nobody else changes those organizations.
     */
    readonly removeUser: (userId: UserId) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/MembershipStore") {
  static readonly layer = Layer.effect(
    MembershipStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const ofUser = SqlSchema.findAll({
        Request: UserId,
        Result: Membership,
        execute: (userId) => sql`
          SELECT m.id AS member_id, o.id AS organization_id, o.name AS organization_name, m.role,
            m.email AS invited_address, m.invited_at, m.joined_at
          FROM members m JOIN organizations o ON o.id = m.organization_id
          WHERE m.user_id = ${userId}::uuid AND m.status = 'active'
          ORDER BY m.joined_at, m.id`,
      })

      const removeUser = Effect.fnUntraced(function* (userId: UserId) {
        // Always in the same order: two who lock several never wait for one another.
        yield* sql`
          SELECT 1 FROM organizations WHERE id IN (SELECT organization_id FROM members WHERE user_id = ${userId}::uuid)
          ORDER BY id FOR UPDATE`
        const left = yield* sql<{ readonly organizationId: string }>`
          DELETE FROM members WHERE user_id = ${userId}::uuid RETURNING organization_id`
        yield* sql`
          DELETE FROM organizations o
          WHERE id = ANY(${left.map(({ organizationId }) => organizationId)}::uuid[]) AND NOT EXISTS (
            SELECT 1 FROM members WHERE organization_id = o.id AND status = 'active'
          )`
        yield* sql`
          DELETE FROM members WHERE status = 'invited' AND lower(email) =
            (SELECT lower(email) FROM users WHERE id = ${userId}::uuid AND email_verified)`
      })

      return MembershipStore.of({
        ofUser: (userId) => orDatabaseFailed(ofUser(userId)),
        removeUser: (userId) => orDatabaseFailed(removeUser(userId)),
      })
    }),
  )
}
