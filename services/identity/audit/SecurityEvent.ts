/** Something that happened to an account. */
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { UserId } from "../users/User.ts"

export class SecurityEvent extends Schema.Class<SecurityEvent>("identity/SecurityEvent")({
  /** A UUID. */
  id: Schema.String,
  /** Such as "user.password_changed". */
  action: Schema.String,
  /** Whom it happened to; null: nobody that is known, or a person who is erased. */
  userId: Schema.NullOr(Schema.String),
  /** What stands for an erased person. */
  pseudonym: Schema.NullOr(Schema.String),
  /** The API key of the call; null: none. */
  keyId: Schema.NullOr(Schema.String),
  /** Empty: not known. */
  ipAddress: Schema.String,
  /** Empty: not known. */
  userAgent: Schema.String,
  requestId: Schema.String,
  occurredAt: Schema.DateTimeUtcFromDate,
}) {}

export interface SecurityEventFilter {
  /** Whom it happened to; undefined: anybody. */
  readonly userId: UserId | undefined
  /** Empty: any. */
  readonly action: string
  /** At this time or later; undefined: at any time. */
  readonly since: DateTime.Utc | undefined
}
