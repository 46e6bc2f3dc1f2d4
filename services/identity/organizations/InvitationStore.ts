/** Invitations among the rows of `members`. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"
import type { Invitation } from "./Invitation.ts"
import type { MemberId } from "./Member.ts"
import type { OrganizationId } from "./Organization.ts"
import type { Role } from "./Role.ts"

export interface NewInvitation {
  /** Unless the address is invited already: that invitation keeps its id. */
  readonly id: MemberId
  readonly organizationId: OrganizationId
  readonly email: string
  readonly role: Role
  readonly digest: Uint8Array
  readonly lifetime: Duration.Duration
}

export class InvitationStore extends Context.Service<
  InvitationStore,
  {
    /** Takes the place of an earlier invitation to the address, whose token stops working, and says its id. */
    readonly save: (invitation: NewInvitation) => Effect.Effect<MemberId, DatabaseFailed>
    /** The invitation of a token; until the transaction ends nobody else changes its organization. */
    readonly lock: (digest: Uint8Array) => Effect.Effect<Option.Option<Invitation>, DatabaseFailed>
    readonly accept: (id: MemberId, userId: UserId) => Effect.Effect<void, DatabaseFailed>
    /** Deletes those whose time is over. */
    readonly sweep: Effect.Effect<void, DatabaseFailed>
  }
>()("identity/InvitationStore") {
  static readonly layer = Layer.effect(
    InvitationStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const lock = Effect.fnUntraced(function* (digest: Uint8Array) {
        // Two statements: one that waits for a lock reads everything else as it was before it began to wait.
        yield* sql`
          SELECT 1 FROM organizations
          WHERE id = (SELECT organization_id FROM members WHERE invitation_digest = ${digest}::bytea)
          FOR UPDATE`
        const [invitation] = yield* sql<Invitation>`
          SELECT id AS member_id, organization_id, coalesce(email, '') AS email, user_id AS accepted_by,
            status = 'invited' AND invitation_expires_at > now() AS open
          FROM members WHERE invitation_digest = ${digest}::bytea`
        return Option.fromUndefinedOr(invitation)
      })

      return InvitationStore.of({
        save: ({ id, organizationId, email, role, digest, lifetime }) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly id: MemberId }>`
                INSERT INTO members (id, organization_id, email, role, status, invited_at, invitation_digest,
                  invitation_expires_at)
                VALUES (${id}::uuid, ${organizationId}::uuid, ${email}, ${role}, 'invited', now(), ${digest}::bytea,
                  now() + make_interval(secs => ${Duration.toSeconds(lifetime)}::float8))
                ON CONFLICT (organization_id, lower(email)) WHERE status = 'invited' DO UPDATE
                SET email = excluded.email, role = excluded.role, invited_at = excluded.invited_at,
                  invitation_digest = excluded.invitation_digest, invitation_expires_at = excluded.invitation_expires_at
                RETURNING id`,
              ([row]) => row?.id ?? id,
            ),
          ),
        lock: (digest) => orDatabaseFailed(lock(digest)),
        accept: (id, userId) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              UPDATE members
              SET status = 'active', user_id = ${userId}::uuid, joined_at = now(), invitation_expires_at = NULL
              WHERE id = ${id}::uuid`),
          ),
        sweep: orDatabaseFailed(
          Effect.asVoid(sql`DELETE FROM members WHERE status = 'invited' AND invitation_expires_at < now()`),
        ),
      })
    }),
  )
}
