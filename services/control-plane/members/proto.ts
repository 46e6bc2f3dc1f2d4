/** Members and their roles as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  type MemberSchema,
  MemberRole as WireRole,
  MemberStatus as WireStatus,
} from "#gen/authsome/control/v1/member_pb.ts"
import { enumWords } from "../enums.ts"
import { toOptionalTimestamp, toTimestamp } from "../timestamp.ts"
import type { Member, MemberStatus } from "./Member.ts"
import type { MemberRole } from "./Role.ts"

export const roles = enumWords<MemberRole, WireRole>({
  owner: WireRole.OWNER,
  admin: WireRole.ADMIN,
  developer: WireRole.DEVELOPER,
  billing: WireRole.BILLING,
  viewer: WireRole.VIEWER,
})

export const statuses = enumWords<MemberStatus, WireStatus>({
  invited: WireStatus.INVITED,
  active: WireStatus.ACTIVE,
  suspended: WireStatus.SUSPENDED,
})

export const toMember = (member: Member): MessageInitShape<typeof MemberSchema> => ({
  id: member.id,
  workspaceId: member.workspaceId,
  userId: member.userId ?? undefined,
  email: member.email,
  name: member.name,
  role: roles.toProto(member.role),
  status: statuses.toProto(member.status),
  invitedBy: member.invitedBy ?? undefined,
  invitedAt: toOptionalTimestamp(member.invitedAt),
  joinedAt: toOptionalTimestamp(member.joinedAt),
  updatedAt: toTimestamp(member.updatedAt),
})
