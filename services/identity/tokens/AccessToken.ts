/** What a session is used with for the next minutes: an EdDSA JWT that names a user and a session. */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { SessionId } from "../sessions/Session.ts"
import type { UserId } from "../users/User.ts"

/** Long enough to spare most calls the refresh, short enough for whoever checks the signature alone. */
export const accessTokenLifetime = Duration.minutes(15)

/** The header's `typ`, so that no other JWT of ours passes for one (RFC 9068, section 2.1). */
export const accessTokenType = "at+jwt"

export interface AccessToken {
  readonly token: Redacted.Redacted<string>
  readonly expiresAt: DateTime.Utc
}

/** What a good access token says. */
export interface AccessClaims {
  readonly userId: UserId
  readonly sessionId: SessionId
  readonly issuer: string
  readonly audience: string
  readonly tokenId: string
  readonly issuedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/** The token is none of ours, or its time is over. */
export class AccessTokenInvalid extends Schema.TaggedError<AccessTokenInvalid>()("AccessTokenInvalid", {
  expired: Schema.Boolean,
}) {}
