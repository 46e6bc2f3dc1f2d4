/** What callers are told of the errors of the domain. */
import * as Effect from "effect/Effect"
import type { Overloaded } from "#shared/crypto/Password.ts"
import {
  AlreadyExists,
  FailedPrecondition,
  NotFound,
  type PublicError,
  ResourceExhausted,
  Unauthenticated,
  Unavailable,
} from "#shared/rpc/PublicError.ts"
import type { InvalidCredentials } from "./credentials/Credential.ts"
import type { AccountLocked } from "./credentials/Lockout.ts"
import type { MailedTokenInvalid } from "./credentials/MailedToken.ts"
import type { DatabaseFailed } from "./database/DatabaseFailed.ts"
import type { SessionEnded } from "./sessions/Session.ts"
import type { RefreshTokenInvalid, RefreshTokenReused } from "./tokens/RefreshToken.ts"
import type { CodeRefused, NotEnrolled, TotpIsOff, TotpIsOn } from "./totp/Authenticator.ts"
import type { ChallengeOver } from "./totp/Challenge.ts"
import type { EmailTaken, UserNotFound, UsernameTaken } from "./users/User.ts"
import type { CopiesUnreachable } from "./users/UserCopies.ts"

type DomainError =
  | AccountLocked
  | ChallengeOver
  | CodeRefused
  | CopiesUnreachable
  | DatabaseFailed
  | EmailTaken
  | InvalidCredentials
  | MailedTokenInvalid
  | NotEnrolled
  | Overloaded
  | RefreshTokenInvalid
  | RefreshTokenReused
  | SessionEnded
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
    case "UsernameTaken":
      return Effect.fail(
        new AlreadyExists({ reason: "USERNAME_TAKEN", message: "an account with this username exists" }),
      )
    case "InvalidCredentials":
      return Effect.fail(
        new Unauthenticated({ reason: "INVALID_CREDENTIALS", message: "the account and the password do not match" }),
      )
    case "NotEnrolled":
      return Effect.fail(new Unauthenticated({ reason: "TOKEN_INVALID", message: "no enrolment waits for a code" }))
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
    case "SessionEnded":
      return Effect.fail(new Unauthenticated({ reason: "SESSION_ENDED", message: "the session has ended" }))
    case "TotpIsOff":
      return Effect.fail(new FailedPrecondition({ reason: "TOTP_DISABLED", message: "the account takes no codes" }))
    case "TotpIsOn":
      return Effect.fail(new FailedPrecondition({ reason: "TOTP_ENABLED", message: "the account takes codes already" }))
    case "UserNotFound":
      return Effect.fail(new NotFound({ reason: "USER_NOT_FOUND", message: "there is no such user" }))
  }
}
