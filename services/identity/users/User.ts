/** A person with an account. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A UUID with dashes, in lower case. */
export const UserId = Schema.String.check(Schema.isGUID()).pipe(Schema.brand("UserId"))
export type UserId = typeof UserId.Type

const hex = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/

/** The id that a text stands for: a UUID with all of its dashes or none, in any case. None for any other text. */
export const parseUserId = (text: string): Option.Option<UserId> => {
  const parts = hex.exec(text.toLowerCase())
  const whole = text.length === 32 || text.length === 36
  return parts !== null && whole ? Option.some(UserId.make(parts.slice(1).join("-"))) : Option.none()
}

export class User extends Schema.Class<User>("identity/User")({
  id: UserId,
  /** Null: erased. */
  username: Schema.NullOr(Schema.String),
  /** Null: erased. */
  email: Schema.NullOr(Schema.String),
  emailVerified: Schema.Boolean,
  displayName: Schema.NullOr(Schema.String),
  avatarUrl: Schema.NullOr(Schema.String),
  firstName: Schema.NullOr(Schema.String),
  lastName: Schema.NullOr(Schema.String),
  bio: Schema.NullOr(Schema.String),
  location: Schema.NullOr(Schema.String),
  phoneNumber: Schema.NullOr(Schema.String),
  phoneVerified: Schema.Boolean,
  totpEnabled: Schema.Boolean,
  /** False: suspended, nobody signs in. */
  isActive: Schema.Boolean,
  failedLoginAttempts: Schema.Int,
  lockedUntil: Schema.NullOr(Schema.DateTimeUtcFromDate),
  lastLoginAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  passwordChangedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  createdAt: Schema.DateTimeUtcFromDate,
  /** When the profile last changed. */
  updatedAt: Schema.DateTimeUtcFromDate,
}) {}

/** An account whatever became of it: a deleted one keeps its row, and an erased one an empty row, so that no id comes again. */
export class KeptUser extends User.extend<KeptUser>("identity/KeptUser")({
  deletedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  erasedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
}) {}

/** There is no such account (any more). */
export class UserNotFound extends Schema.TaggedError<UserNotFound>()("UserNotFound", {}) {}

/** An account with this address exists. Names no address: errors end in logs. */
export class EmailTaken extends Schema.TaggedError<EmailTaken>()("EmailTaken", {}) {}

/** An account with this username exists. */
export class UsernameTaken extends Schema.TaggedError<UsernameTaken>()("UsernameTaken", {}) {}
