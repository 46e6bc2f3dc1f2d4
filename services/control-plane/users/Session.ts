/** A dashboard session: a bearer token of minutes, and a refresh token that buys the next pair, once. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { UserId } from "./User.ts"

export const SessionId = Schema.String.pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

/** Issuer and audience of the bearer token. */
export const issuer = "authsome-cloud"
export const audience = "authsome-dashboard"

/** How long a bearer token holds; ending a session does not call it back. */
export const tokenLifetime = Duration.minutes(15)

/** A session that is not refreshed for this long is over. */
export const idleLifetime = Duration.days(30)

/** What a session's owner is given. */
export interface TokenPair {
  readonly token: Redacted.Redacted<string>
  readonly refreshToken: Redacted.Redacted<string>
  /** When `token` runs out. */
  readonly expiresAt: DateTime.Utc
}

/** What is known of a refresh token that somebody shows. */
export class PresentedToken extends Schema.Class<PresentedToken>("PresentedToken")({
  sessionId: SessionId,
  userId: UserId,
  used: Schema.Boolean,
  ended: Schema.Boolean,
  expiresAt: Schema.DateTimeUtcFromDate,
}) {}

export type Judgement = "rotate" | "reused" | "ended"

/**
 * What a refresh token is good for now. One that was used before means that two hold copies, one of them a thief: the
 * session ends for both (RFC 9700, section 4.14.2).
 */
export const judge = ({ used, ended, expiresAt }: PresentedToken, now: DateTime.Utc): Judgement => {
  if (ended || DateTime.isLessThanOrEqualTo(expiresAt, now)) return "ended"
  return used ? "reused" : "rotate"
}

/** No session was ever given this token. */
export class RefreshTokenUnknown extends Schema.TaggedError<RefreshTokenUnknown>()("RefreshTokenUnknown", {}) {}

/** The token was used before; its session has been ended for that. */
export class RefreshTokenReused extends Schema.TaggedError<RefreshTokenReused>()("RefreshTokenReused", {
  sessionId: SessionId,
}) {}

/** The token's session is over. */
export class SessionEnded extends Schema.TaggedError<SessionEnded>()("SessionEnded", { sessionId: SessionId }) {}
