/** An end user's place in an organization, or an open invitation to it. */
import * as Schema from "effect/Schema"
import { UserId } from "../users/User.ts"
import { OrganizationId } from "./Organization.ts"
import { Role } from "./Role.ts"

/** A UUID with dashes. */
export const MemberId = Schema.String.check(Schema.isGUID()).pipe(Schema.brand("MemberId"))
export type MemberId = typeof MemberId.Type

export const MemberStatus = Schema.Literals(["invited", "active"])
export type MemberStatus = typeof MemberStatus.Type

export class Member extends Schema.Class<Member>("identity/Member")({
  id: MemberId,
  organizationId: OrganizationId,
  /** Null: invited. Whether the address has an account is nobody's business. */
  userId: Schema.NullOr(UserId),
  /** The account's address, or the invited one. */
  email: Schema.String,
  /** The account's name; null: not given, or invited. */
  name: Schema.NullOr(Schema.String),
  role: Role,
  status: MemberStatus,
  /** Null: the member made the organization. */
  invitedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  /** Null: not invited any more. */
  invitationExpiresAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  /** Null: invited. */
  joinedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
}) {}

/** Whether nobody would own the organization if the member had this role, or (undefined) none any more. */
export const leavesNoOwner = (
  { role, status }: Pick<Member, "role" | "status">,
  next: Role | undefined,
  otherOwners: number,
): boolean => status === "active" && role === "owner" && next !== "owner" && otherOwners === 0

/** The person is not in the organization (any more), nor invited. */
export class NotAMember extends Schema.TaggedError<NotAMember>()("NotAMember", {}) {}

/** A member has this address. */
export class AlreadyMember extends Schema.TaggedError<AlreadyMember>()("AlreadyMember", {}) {}

/** Nobody would own the organization any more. */
export class LastOwner extends Schema.TaggedError<LastOwner>()("LastOwner", {}) {}
