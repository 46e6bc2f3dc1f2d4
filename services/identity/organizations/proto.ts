/** Organizations and members -> authsome.identity.v1. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import {
  type OrganizationMemberSchema,
  type OrganizationSchema,
  OrganizationRole as WireRole,
  OrganizationMemberStatus as WireStatus,
} from "#gen/authsome/identity/v1/organization_pb.ts"
import { idToUuid, uuidToId } from "#shared/ids/Id.ts"
import { publicUserId, toTimestamp } from "../users/proto.ts"
import { type Member, MemberId, type MemberStatus, NotAMember } from "./Member.ts"
import { type Organization, OrganizationId, OrganizationNotFound } from "./Organization.ts"
import type { Role } from "./Role.ts"

const wireRoles: Readonly<globalThis.Record<Role, WireRole>> = {
  owner: WireRole.OWNER,
  admin: WireRole.ADMIN,
  member: WireRole.MEMBER,
}

const wireStatuses: Readonly<globalThis.Record<MemberStatus, WireStatus>> = {
  invited: WireStatus.INVITED,
  active: WireStatus.ACTIVE,
}

/** None: the request does not say. */
const wordOf = <Word extends string>(
  values: Readonly<globalThis.Record<Word, number>>,
  value: number,
): Option.Option<Word> =>
  Option.map(
    Record.findFirst(values, (each) => each === value),
    ([word]) => word,
  )

/** A role that a request may leave unset. */
export const fromRole = (role: WireRole): Option.Option<Role> => wordOf(wireRoles, role)

/** A role that validation has let through; any other is a defect. */
export const fromValidRole = (role: WireRole): Role => Option.getOrThrow(fromRole(role))

/** Undefined: the request does not say. */
export const fromStatus = (status: WireStatus): MemberStatus | undefined =>
  Option.getOrUndefined(wordOf(wireStatuses, status))

export const publicOrganizationId = (id: OrganizationId): string => uuidToId("org", id)
export const publicMemberId = (id: MemberId): string => uuidToId("mem", id)

/** An id that stands for no UUID was never given out. */
export const organizationIdOf = (text: string) =>
  Effect.fromOption(
    Option.map(idToUuid("org", text), (uuid) => OrganizationId.make(uuid)),
    () => new OrganizationNotFound(),
  )

export const memberIdOf = (text: string) =>
  Effect.fromOption(
    Option.map(idToUuid("mem", text), (uuid) => MemberId.make(uuid)),
    () => new NotAMember(),
  )

export const toOrganization = (organization: Organization): MessageInitShape<typeof OrganizationSchema> => ({
  id: publicOrganizationId(organization.id),
  name: organization.name,
  role: wireRoles[organization.role],
  memberCount: organization.memberCount,
  createdAt: toTimestamp(organization.createdAt),
  updatedAt: toTimestamp(organization.updatedAt),
})

export const toMember = (member: Member): MessageInitShape<typeof OrganizationMemberSchema> => ({
  id: publicMemberId(member.id),
  organizationId: publicOrganizationId(member.organizationId),
  userId: member.userId === null ? "" : publicUserId(member.userId),
  email: member.email,
  name: member.name ?? "",
  role: wireRoles[member.role],
  status: wireStatuses[member.status],
  ...(member.invitedAt === null ? {} : { invitedAt: toTimestamp(member.invitedAt) }),
  ...(member.invitationExpiresAt === null ? {} : { invitationExpiresAt: toTimestamp(member.invitationExpiresAt) }),
  ...(member.joinedAt === null ? {} : { joinedAt: toTimestamp(member.joinedAt) }),
})
