/** A person who signs in to the dashboard. */
import * as Schema from "effect/Schema"

export const UserId = Schema.String.pipe(Schema.brand("UserId"))
export type UserId = typeof UserId.Type

/** In lower case: two addresses that differ in case alone are one. */
export const Email = Schema.String.pipe(Schema.brand("Email"))
export type Email = typeof Email.Type

/** The address as accounts are found by it. */
export const emailOf = (text: string): Email => Email.make(text.toLowerCase())

export class User extends Schema.Class<User>("User")({
  id: UserId,
  email: Email,
  /** Empty: the person gave none. */
  name: Schema.String,
  createdAt: Schema.DateTimeUtcFromDate,
}) {}

/** An account with this address exists. Names no address: errors end in logs. */
export class EmailTaken extends Schema.TaggedError<EmailTaken>()("EmailTaken", {}) {}

/** The address and the password do not fit together, for whichever of both reasons. */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>()("InvalidCredentials", {}) {}

/** There is no such account (any more). */
export class UserNotFound extends Schema.TaggedError<UserNotFound>()("UserNotFound", { id: UserId }) {}
