/** Inviting people by mail, and accepting. Whether an address has an account makes no difference to who invites it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { sha256 } from "#shared/crypto/digest.ts"
import { opaqueToken } from "#shared/crypto/Token.ts"
import { newUuid } from "#shared/ids/Id.ts"
import { sweeping } from "#shared/runtime/sweeping.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { Mails } from "../mail/Mails.ts"
import { SessionEnded } from "../sessions/Session.ts"
import type { UserId } from "../users/User.ts"
import { UserStore } from "../users/UserStore.ts"
import { InvitationInvalid, invitationLifetime, isFor, nameInMail } from "./Invitation.ts"
import { InvitationStore } from "./InvitationStore.ts"
import { AlreadyMember, type Member, MemberId } from "./Member.ts"
import { MemberStore } from "./MemberStore.ts"
import {
  LimitReached,
  type Organization,
  type OrganizationId,
  type OrganizationLimits,
  type OrganizationNotFound,
  RoleTooLow,
} from "./Organization.ts"
import { OrganizationStore } from "./OrganizationStore.ts"
import { Organizations } from "./Organizations.ts"
import { may, type Role, toManage } from "./Role.ts"

export interface NewMember {
  readonly organizationId: OrganizationId
  readonly email: string
  readonly role: Role
}

export interface Joined {
  readonly organization: Organization
  readonly member: Member
  /** False: the invitation was accepted before. */
  readonly updated: boolean
}

export class Invitations extends Context.Service<
  Invitations,
  {
    /** Mails a token that works for seven days; an earlier invitation to the address stops working. */
    readonly invite: (
      asker: UserId,
      invited: NewMember,
    ) => Effect.Effect<Member, OrganizationNotFound | RoleTooLow | AlreadyMember | LimitReached | DatabaseFailed>
    /** Makes the user a member, if the mail went to their address. The token in the mail has shown that it is theirs. */
    readonly accept: (
      userId: UserId,
      token: Redacted.Redacted<string>,
    ) => Effect.Effect<Joined, InvitationInvalid | SessionEnded | DatabaseFailed>
  }
>()("identity/Invitations") {
  static readonly layer = ({ maxOrganizationMembers: limit }: OrganizationLimits) =>
    Layer.effect(
      Invitations,
      Effect.gen(function* () {
        const { atomically } = yield* TransactionStore
        const organizations = yield* Organizations
        const organizationStore = yield* OrganizationStore
        const members = yield* MemberStore
        const store = yield* InvitationStore
        const users = yield* UserStore
        const mails = yield* Mails

        yield* sweeping(store.sweep)

        /** Who may not make owners may not unmake an invitation to become one either. */
        const mayInvite = Effect.fnUntraced(function* (own: Role, { organizationId, email, role }: NewMember) {
          if (!may(own, toManage(role))) return yield* new RoleTooLow()
          const present = yield* members.findByAddress(organizationId, email)
          if (Option.isSome(present)) {
            if (present.value.status === "active") return yield* new AlreadyMember()
            if (!may(own, toManage(present.value.role))) return yield* new RoleTooLow()
          } else if ((yield* members.count({ organizationId, status: undefined })) >= limit) {
            return yield* new LimitReached({ of: "members", limit })
          }
        })

        const invite = Effect.fn("Invitations.invite")(function* (asker: UserId, invited: NewMember) {
          const { organizationId, email } = invited
          const { role: own, name } = yield* organizations.enter(asker, organizationId, "members.manage")
          yield* mayInvite(own, invited)
          const token = yield* opaqueToken
          const id = yield* store.save({
            ...invited,
            id: MemberId.make(yield* newUuid),
            digest: sha256(Redacted.value(token)),
            lifetime: invitationLifetime,
          })
          yield* mails.append(
            { userId: null, address: Redacted.make(email) },
            { kind: "organizationInvitation", token, organization: nameInMail(name) },
            invitationLifetime,
          )
          return Option.getOrThrow(yield* members.find(organizationId, id))
        }, atomically)

        const seenBy = Effect.fnUntraced(function* (userId: UserId, id: OrganizationId) {
          const organization = Option.getOrThrow(yield* organizationStore.find(id, userId))
          return { organization, member: Option.getOrThrow(yield* members.findOfUser(id, userId)) }
        })

        const accept = Effect.fn("Invitations.accept")(function* (userId: UserId, token: Redacted.Redacted<string>) {
          // Always the organization before the account, as whoever erases a person has them.
          const found = yield* store.lock(sha256(Redacted.value(token)))
          const user = yield* users.findForUpdate(userId)
          if (Option.isNone(user)) return yield* new SessionEnded()
          if (Option.isNone(found)) return yield* new InvitationInvalid()
          const { memberId, organizationId, acceptedBy, open } = found.value
          if (acceptedBy === userId) return { ...(yield* seenBy(userId, organizationId)), updated: false }
          if (!open || !isFor(found.value, user.value.email)) return yield* new InvitationInvalid()
          // Their address was another one when they joined.
          if (Option.isSome(yield* members.findOfUser(organizationId, userId))) return yield* new InvitationInvalid()
          yield* store.accept(memberId, userId)
          return { ...(yield* seenBy(userId, organizationId)), updated: true }
        }, atomically)

        return Invitations.of({ invite, accept })
      }),
    )
}
