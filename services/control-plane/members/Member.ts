/** A person's place in a workspace. */
import * as Schema from "effect/Schema"
import { UserId } from "../users/User.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"
import { MemberRole } from "./Role.ts"

export const MemberId = Schema.String.pipe(Schema.brand("MemberId"))
export type MemberId = typeof MemberId.Type

/** Whether a role counts: not yet, yes, not for now. */
export const MemberStatus = Schema.Literals(["invited", "active", "suspended"])
export type MemberStatus = typeof MemberStatus.Type

export class Member extends Schema.Class<Member>("Member")({
  id: MemberId,
  workspaceId: WorkspaceId,
  /** None while invited. */
  userId: Schema.NullOr(UserId),
  /** The account's address; while invited, where the invitation went. */
  email: Schema.String,
  name: Schema.String,
  role: MemberRole,
  status: MemberStatus,
  invitedBy: Schema.NullOr(UserId),
  invitedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  joinedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  updatedAt: Schema.DateTimeUtcFromDate,
}) {}
