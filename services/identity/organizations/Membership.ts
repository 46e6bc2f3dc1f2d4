/** An end user's place in an organization, as that person's own data. */
import * as Schema from "effect/Schema"
import { MemberId } from "./Member.ts"
import { OrganizationId } from "./Organization.ts"
import { Role } from "./Role.ts"

export class Membership extends Schema.Class<Membership>("identity/Membership")({
  memberId: MemberId,
  organizationId: OrganizationId,
  organizationName: Schema.String,
  role: Role,
  /** Where the invitation went; null: the person made the organization. */
  invitedAddress: Schema.NullOr(Schema.String),
  invitedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  joinedAt: Schema.DateTimeUtcFromDate,
}) {}
