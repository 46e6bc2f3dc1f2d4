/** Who belongs to an organization, by which role, and until when. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import type { Page, Paged } from "../users/Page.ts"
import type { UserId } from "../users/User.ts"
import { LastOwner, leavesNoOwner, type Member, type MemberId, NotAMember } from "./Member.ts"
import { type MemberFilter, MemberStore } from "./MemberStore.ts"
import { type OrganizationId, type OrganizationNotFound, RoleTooLow } from "./Organization.ts"
import { Organizations } from "./Organizations.ts"
import { may, type Role, toManage } from "./Role.ts"

export interface ChangedMember {
  readonly member: Member
  /** False: the role was that before. */
  readonly updated: boolean
}

/** Whom an owner or admin deals with. */
export interface Place {
  readonly organizationId: OrganizationId
  readonly memberId: MemberId
}

type Refused = OrganizationNotFound | RoleTooLow | NotAMember | LastOwner | DatabaseFailed

export class Members extends Context.Service<
  Members,
  {
    readonly list: (
      asker: UserId,
      filter: MemberFilter,
      page: Page,
    ) => Effect.Effect<Paged<Member>, OrganizationNotFound | RoleTooLow | DatabaseFailed>
    /** Of a member, or of an open invitation. */
    readonly changeRole: (asker: UserId, place: Place, role: Role) => Effect.Effect<ChangedMember, Refused>
    /** Ends a membership, or withdraws an invitation. */
    readonly remove: (asker: UserId, place: Place) => Effect.Effect<void, Refused>
    /** Ends the user's own membership, and says which it was. A stranger is told the same as who has left. */
    readonly leave: (
      userId: UserId,
      id: OrganizationId,
    ) => Effect.Effect<MemberId, NotAMember | LastOwner | DatabaseFailed>
  }
>()("identity/Members") {
  static readonly layer = Layer.effect(
    Members,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const organizations = yield* Organizations
      const store = yield* MemberStore

      const found = (member: Option.Option<Member>) => Effect.fromOption(member, () => new NotAMember())

      const keepAnOwner = Effect.fnUntraced(function* (member: Member, next: Role | undefined) {
        if (leavesNoOwner(member, next, yield* store.countOtherOwners(member))) return yield* new LastOwner()
      })

      const changeRole = Effect.fn("Members.changeRole")(function* (asker: UserId, place: Place, role: Role) {
        const { organizationId, memberId } = place
        const own = yield* organizations.enter(asker, organizationId, "members.manage")
        const member = yield* Effect.flatMap(store.find(organizationId, memberId), found)
        if (!may(own.role, toManage(member.role, role))) return yield* new RoleTooLow()
        if (member.role === role) return { member, updated: false }
        yield* keepAnOwner(member, role)
        yield* store.setRole(memberId, role)
        return { member: Option.getOrThrow(yield* store.find(organizationId, memberId)), updated: true }
      }, atomically)

      const remove = Effect.fn("Members.remove")(function* (asker: UserId, { organizationId, memberId }: Place) {
        const own = yield* organizations.enter(asker, organizationId, "members.manage")
        const member = yield* Effect.flatMap(store.find(organizationId, memberId), found)
        if (!may(own.role, toManage(member.role))) return yield* new RoleTooLow()
        yield* keepAnOwner(member, undefined)
        yield* store.delete(memberId)
      }, atomically)

      const leave = Effect.fn("Members.leave")(function* (userId: UserId, id: OrganizationId) {
        yield* Effect.mapError(organizations.enter(userId, id, "organization.read"), (error) =>
          error._tag === "DatabaseFailed" ? error : new NotAMember(),
        )
        const member = yield* Effect.flatMap(store.findOfUser(id, userId), found)
        yield* keepAnOwner(member, undefined)
        yield* store.delete(member.id)
        return member.id
      }, atomically)

      return Members.of({
        list: Effect.fnUntraced(function* (asker, filter, page) {
          yield* organizations.get(asker, filter.organizationId, "members.read")
          const total = yield* store.count(filter)
          return { ...page, total, data: yield* store.list(filter, page) }
        }),
        changeRole,
        remove,
        leave,
      })
    }),
  )
}
