/** authsome.identity.v1.TenantOrganizationService: the organizations of an instance's end users. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { TenantOrganizationService } from "#gen/authsome/identity/v1/organization_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { endUser } from "../tenant/rpc.ts"
import { pageOf } from "../users/Page.ts"
import { fromPublicUserId } from "../users/proto.ts"
import { Users } from "../users/Users.ts"
import { Invitations } from "./Invitations.ts"
import { type MemberId, NotAMember } from "./Member.ts"
import { Members } from "./Members.ts"
import type { OrganizationId } from "./Organization.ts"
import { Organizations } from "./Organizations.ts"
import {
  fromRole,
  fromStatus,
  fromValidRole,
  memberIdOf,
  organizationIdOf,
  publicMemberId,
  publicOrganizationId,
  toMember,
  toOrganization,
} from "./proto.ts"

const organizationChanged = (id: OrganizationId) => changed({ type: "organization", id: publicOrganizationId(id) })

const memberChanged = (organizationId: OrganizationId, id: MemberId) =>
  changed({ type: "member", id: publicMemberId(id), container: publicOrganizationId(organizationId) })

export const layer = Handlers.layer(
  TenantOrganizationService,
  Effect.gen(function* () {
    const organizations = yield* Organizations
    const members = yield* Members
    const invitations = yield* Invitations
    const users = yield* Users

    return {
      createOrganization: Effect.fnUntraced(function* ({ name }) {
        const { userId } = yield* endUser
        const organization = yield* organizations.create(userId, name)
        yield* organizationChanged(organization.id)
        return { organization: toOrganization(organization) }
      }, Effect.catch(refuse)),

      listOwnOrganizations: Effect.fnUntraced(function* (request) {
        const { userId } = yield* endUser
        const { data, ...page } = yield* organizations.listOf(userId, pageOf(request))
        return { ...page, data: data.map(toOrganization) }
      }, Effect.catch(refuse)),

      listEndUserOrganizations: Effect.fnUntraced(function* ({ userId, ...request }) {
        const { id } = yield* Effect.flatMap(fromPublicUserId(userId), users.get)
        const { data, ...page } = yield* organizations.listOf(id, pageOf(request))
        return { ...page, data: data.map(toOrganization) }
      }, Effect.catch(refuse)),

      getOrganization: Effect.fnUntraced(function* ({ organizationId }) {
        const { userId } = yield* endUser
        const id = yield* organizationIdOf(organizationId)
        return { organization: toOrganization(yield* organizations.get(userId, id, "organization.read")) }
      }, Effect.catch(refuse)),

      updateOrganization: Effect.fnUntraced(function* ({ organizationId, name }) {
        const { userId } = yield* endUser
        const id = yield* organizationIdOf(organizationId)
        const { organization, updated } = yield* organizations.rename(userId, id, name)
        yield* updated ? organizationChanged(id) : unchanged
        return { organization: toOrganization(organization) }
      }, Effect.catch(refuse)),

      deleteOrganization: Effect.fnUntraced(function* ({ organizationId }) {
        const { userId } = yield* endUser
        const id = yield* organizationIdOf(organizationId)
        yield* organizations.delete(userId, id)
        yield* organizationChanged(id)
        return {}
      }, Effect.catch(refuse)),

      inviteOrganizationMember: Effect.fnUntraced(function* ({ organizationId, email, role }) {
        const { userId } = yield* endUser
        const id = yield* organizationIdOf(organizationId)
        const invited = { organizationId: id, email, role: Option.getOrElse(fromRole(role), () => "member" as const) }
        const member = yield* invitations.invite(userId, invited)
        yield* memberChanged(id, member.id)
        return { member: toMember(member) }
      }, Effect.catch(refuse)),

      acceptOrganizationInvitation: Effect.fnUntraced(function* ({ token }) {
        const { userId } = yield* endUser
        const { organization, member, updated } = yield* invitations.accept(userId, Redacted.make(token))
        yield* updated ? memberChanged(organization.id, member.id) : unchanged
        return { organization: toOrganization(organization), member: toMember(member) }
      }, Effect.catch(refuse)),

      listOrganizationMembers: Effect.fnUntraced(function* ({ organizationId, status, ...request }) {
        const { userId } = yield* endUser
        const filter = { organizationId: yield* organizationIdOf(organizationId), status: fromStatus(status) }
        const { data, ...page } = yield* members.list(userId, filter, pageOf(request))
        return { ...page, data: data.map(toMember) }
      }, Effect.catch(refuse)),

      updateOrganizationMember: Effect.fnUntraced(function* ({ organizationId, memberId, role }) {
        const { userId } = yield* endUser
        const place = { organizationId: yield* organizationIdOf(organizationId), memberId: yield* memberIdOf(memberId) }
        const { member, updated } = yield* members.changeRole(userId, place, fromValidRole(role))
        yield* updated ? memberChanged(place.organizationId, place.memberId) : unchanged
        return { member: toMember(member) }
      }, Effect.catch(refuse)),

      removeOrganizationMember: Effect.fnUntraced(function* ({ organizationId, memberId }) {
        const { userId } = yield* endUser
        const place = { organizationId: yield* organizationIdOf(organizationId), memberId: yield* memberIdOf(memberId) }
        yield* members.remove(userId, place)
        yield* memberChanged(place.organizationId, place.memberId)
        return {}
      }, Effect.catch(refuse)),

      leaveOrganization: Effect.fnUntraced(function* ({ organizationId }) {
        const { userId } = yield* endUser
        // Who never belonged to it is told the same as who has left.
        const id = yield* Effect.mapError(organizationIdOf(organizationId), () => new NotAMember())
        yield* memberChanged(id, yield* members.leave(userId, id))
        return {}
      }, Effect.catch(refuse)),
    }
  }),
)
