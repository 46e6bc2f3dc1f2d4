/** A device on which somebody is signed in. */
import type * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { UserId } from "../users/User.ts"

/** A UUID with dashes. */
export const SessionId = Schema.String.check(Schema.isGUID()).pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

export class Session extends Schema.Class<Session>("identity/Session")({
  id: SessionId,
  userId: UserId,
  createdAt: Schema.DateTimeUtcFromDate,
  /** When its tokens were last refreshed. */
  lastUsedAt: Schema.DateTimeUtcFromDate,
  /** When it is over unless it is refreshed before. */
  expiresAt: Schema.DateTimeUtcFromDate,
  /** Empty: not known. */
  ipAddress: Schema.String,
  /** Empty: not known. */
  userAgent: Schema.String,
}) {}

/** From where and with what somebody signs in; empty: not known. */
export interface ClientInfo {
  readonly ipAddress: string
  readonly userAgent: string
}

/** What a session is used with. */
export interface Tokens {
  readonly sessionId: SessionId
  readonly accessToken: Redacted.Redacted<string>
  /** When the access token stops working. */
  readonly expiresAt: DateTime.Utc
  readonly refreshToken: Redacted.Redacted<string>
}

export type SessionEnd = "loggedOut" | "revoked" | "passwordChanged" | "tokenReused" | "userSuspended" | "userDeleted"

/** The session has ended, or its account is suspended or deleted. */
export class SessionEnded extends Schema.TaggedError<SessionEnded>()("SessionEnded", {}) {}

/** The user never had this session. */
export class SessionNotFound extends Schema.TaggedError<SessionNotFound>()("SessionNotFound", {}) {}
