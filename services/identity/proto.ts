/** What callers are told of the errors of the domain. */
import * as Effect from "effect/Effect"
import type { Overloaded } from "#shared/crypto/Password.ts"
import {
  AlreadyExists,
  NotFound,
  type PublicError,
  ResourceExhausted,
  Unauthenticated,
  Unavailable,
  Unimplemented,
} from "#shared/rpc/PublicError.ts"
import type { InvalidCredentials, SecondFactorNeeded } from "./credentials/Credential.ts"
import type { DatabaseFailed } from "./database/DatabaseFailed.ts"
import type { SessionEnded } from "./sessions/Session.ts"
import type { RefreshTokenInvalid, RefreshTokenReused } from "./tokens/RefreshToken.ts"
import type { EmailTaken, UserNotFound, UsernameTaken } from "./users/User.ts"

type DomainError =
  | DatabaseFailed
  | EmailTaken
  | InvalidCredentials
  | Overloaded
  | RefreshTokenInvalid
  | RefreshTokenReused
  | SecondFactorNeeded
  | SessionEnded
  | UsernameTaken
  | UserNotFound

/** Fails with what the caller may know. A statement that the database refused is a defect of ours, and logged as one. */
export const refuse = (error: DomainError): Effect.Effect<never, PublicError> => {
  switch (error._tag) {
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
    case "SecondFactorNeeded":
      return Effect.fail(
        new Unimplemented({ reason: "UNIMPLEMENTED", message: "signing in with a code is not offered yet" }),
      )
    case "SessionEnded":
      return Effect.fail(new Unauthenticated({ reason: "SESSION_ENDED", message: "the session has ended" }))
    case "UserNotFound":
      return Effect.fail(new NotFound({ reason: "USER_NOT_FOUND", message: "there is no such user" }))
  }
}
