/** A group of end users, such as one company among a customer's customers. */
import * as Schema from "effect/Schema"
import { Role } from "./Role.ts"

/** A UUID with dashes. */
export const OrganizationId = Schema.String.check(Schema.isGUID()).pipe(Schema.brand("OrganizationId"))
export type OrganizationId = typeof OrganizationId.Type

/** An organization as one of its members sees it. */
export class Organization extends Schema.Class<Organization>("identity/Organization")({
  id: OrganizationId,
  name: Schema.String,
  /** What that member is in it. */
  role: Role,
  /** Open invitations are not counted. */
  memberCount: Schema.Int,
  createdAt: Schema.DateTimeUtcFromDate,
  /** When the name last changed. */
  updatedAt: Schema.DateTimeUtcFromDate,
}) {}

/** How large people's organizations may become. */
export interface OrganizationLimits {
  /** So many organizations one user makes and owns. */
  readonly maxOwnedOrganizations: number
  /** So many members and open invitations one organization has when it invites another one. */
  readonly maxOrganizationMembers: number
}

/** There is no such organization, or who asks is not a member: nobody is told which. */
export class OrganizationNotFound extends Schema.TaggedError<OrganizationNotFound>()("OrganizationNotFound", {}) {}

/** Who asks is a member, and their role does not allow it. */
export class RoleTooLow extends Schema.TaggedError<RoleTooLow>()("RoleTooLow", {}) {}

/** One more is more than the installation allows. */
export class LimitReached extends Schema.TaggedError<LimitReached>()("LimitReached", {
  of: Schema.Literals(["organizations", "members"]),
  limit: Schema.Int,
}) {}
