/** Tokens that go out by mail: whoever has one has read the mail. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** A link for a new password is used at once or not at all. */
export const resetLifetime = Duration.hours(1)
export const verificationLifetime = Duration.hours(24)

/** The token is unknown, expired, used up, or a newer one has taken its place: nobody is told which. */
export class MailedTokenInvalid extends Schema.TaggedError<MailedTokenInvalid>()("MailedTokenInvalid", {}) {}
