/** What callers are told of the errors of the domain. */
import * as Effect from "effect/Effect"
import type { Overloaded } from "#shared/crypto/Password.ts"
import {
  AlreadyExists,
  FailedPrecondition,
  NotFound,
  PermissionDenied,
  type PublicError,
  ResourceExhausted,
  Unauthenticated,
  Unavailable,
} from "#shared/rpc/PublicError.ts"
import type { EmailUnverified, InvalidCredentials } from "./credentials/Credential.ts"
import type { AccountLocked } from "./credentials/Lockout.ts"
import type { MailedTokenInvalid } from "./credentials/MailedToken.ts"
import type { DatabaseFailed } from "./database/DatabaseFailed.ts"
import type { InvitationInvalid } from "./organizations/Invitation.ts"
import type { AlreadyMember, LastOwner, NotAMember } from "./organizations/Member.ts"
import type { LimitReached, OrganizationNotFound, RoleTooLow } from "./organizations/Organization.ts"
import type { SessionEnded, SessionNotFound } from "./sessions/Session.ts"
import type { RefreshTokenInvalid, RefreshTokenReused } from "./tokens/RefreshToken.ts"
import type { CodeRefused, NotEnrolled, TotpIsOff, TotpIsOn } from "./totp/Authenticator.ts"
import type { ChallengeOver } from "./totp/Challenge.ts"
import type { EmailTaken, UserNotFound, UsernameTaken } from "./users/User.ts"
import type { CopiesUnreachable } from "./users/UserCopies.ts"

type DomainError =
  | AccountLocked
  | AlreadyMember
  | ChallengeOver
  | CodeRefused
  | CopiesUnreachable
  | DatabaseFailed
  | EmailTaken
  | EmailUnverified
  | InvalidCredentials
  | InvitationInvalid
  | LastOwner
  | LimitReached
  | MailedTokenInvalid
  | NotAMember
  | NotEnrolled
  | OrganizationNotFound
  | Overloaded
  | RefreshTokenInvalid
  | RefreshTokenReused
  | RoleTooLow
  | SessionEnded
  | SessionNotFound
  | TotpIsOff
  | TotpIsOn
  | UsernameTaken
  | UserNotFound

/** Fails with what the caller may know. A statement that the database refused is a defect of ours, and logged as one. */
export const refuse = (error: DomainError): Effect.Effect<never, PublicError> => {
  switch (error._tag) {
    case "AccountLocked":
      return Effect.fail(
        new ResourceExhausted({
          reason: "ACCOUNT_LOCKED",
          message: "too many wrong tries",
          retryAfterMs: error.retryAfterMillis,
        }),
      )
    case "AlreadyMember":
      return Effect.fail(
        new AlreadyExists({ reason: "ALREADY_MEMBER", message: "a member of the organization has this address" }),
      )
    case "MailedTokenInvalid":
      return Effect.fail(
        new Unauthenticated({
          reason: "TOKEN_INVALID",
          message: "the token of the mail is not valid, or not any more",
        }),
      )
    case "ChallengeOver":
      return Effect.fail(
        new Unauthenticated({ reason: "TOKEN_INVALID", message: "the challenge is over; sign in again" }),
      )
    case "CodeRefused":
      return Effect.fail(
        new Unauthenticated({ reason: "INVALID_CREDENTIALS", message: "the code is wrong or was used before" }),
      )
    case "CopiesUnreachable":
      return Effect.fail(
        new Unavailable({
          reason: "UNAVAILABLE",
          message: "accounts cannot be changed while their cache is away",
          retryAfterMs: 1000,
        }),
      )
    case "DatabaseFailed":
      return error.away
        ? Effect.fail(
            new Unavailable({ reason: "UNAVAILABLE", message: "the database is away for now", retryAfterMs: 1000 }),
          )
        : Effect.die(error)
    case "EmailTaken":
      return Effect.fail(
        new AlreadyExists({ reason: "EMAIL_TAKEN", message: "an account with this e-mail address exists" }),
      )
    case "EmailUnverified":
      return Effect.fail(
        new FailedPrecondition({ reason: "EMAIL_UNVERIFIED", message: "the e-mail address must be verified first" }),
      )
    case "UsernameTaken":
      return Effect.fail(
        new AlreadyExists({ reason: "USERNAME_TAKEN", message: "an account with this username exists" }),
      )
    case "InvalidCredentials":
      return Effect.fail(
        new Unauthenticated({ reason: "INVALID_CREDENTIALS", message: "the account and the password do not match" }),
      )
    case "LastOwner":
      return Effect.fail(
        new FailedPrecondition({
          reason: "LAST_OWNER",
          message: "an organization must keep an owner",
        }),
      )
    case "InvitationInvalid":
      return Effect.fail(
        new FailedPrecondition({
          reason: "INVITATION_INVALID",
          message: "the invitation is not valid, not any more, or not for this account",
        }),
      )
    case "LimitReached":
      return Effect.fail(
        new FailedPrecondition({
          reason: "LIMIT_REACHED",
          message: `no more than ${error.limit} ${error.of} are allowed`,
          metadata: { limit: String(error.limit) },
        }),
      )
    case "NotAMember":
      return Effect.fail(
        new NotFound({ reason: "NOT_A_MEMBER", message: "the organization has no such member or invitation" }),
      )
    case "NotEnrolled":
      return Effect.fail(new Unauthenticated({ reason: "TOKEN_INVALID", message: "no enrolment waits for a code" }))
    case "OrganizationNotFound":
      return Effect.fail(
        new NotFound({ reason: "NOT_FOUND", message: "there is no such organization, or you may not know of it" }),
      )
    case "Overloaded":
      return Effect.fail(
        new ResourceExhausted({
          reason: "OVERLOADED",
          message: "too many passwords wait to be checked",
          retryAfterMs: error.retryAfterMillis,
        }),
      )
    case "RefreshTokenInvalid":
      return Effect.fail(new Unauthenticated({ reason: "TOKEN_INVALID", message: "the refresh token is not valid" }))
    case "RefreshTokenReused":
      return Effect.fail(
        new Unauthenticated({ reason: "TOKEN_REUSED", message: "the refresh token was used before; sign in again" }),
      )
    case "RoleTooLow":
      return Effect.fail(
        new PermissionDenied({
          reason: "PERMISSION_DENIED",
          message: "the role in the organization does not allow this",
        }),
      )
    case "SessionEnded":
      return Effect.fail(new Unauthenticated({ reason: "SESSION_ENDED", message: "the session has ended" }))
    case "SessionNotFound":
      return Effect.fail(new NotFound({ reason: "NOT_FOUND", message: "the user has no such session" }))
    case "TotpIsOff":
      return Effect.fail(new FailedPrecondition({ reason: "TOTP_DISABLED", message: "the account takes no codes" }))
    case "TotpIsOn":
      return Effect.fail(new FailedPrecondition({ reason: "TOTP_ENABLED", message: "the account takes codes already" }))
    case "UserNotFound":
      return Effect.fail(new NotFound({ reason: "USER_NOT_FOUND", message: "there is no such user" }))
  }
}
