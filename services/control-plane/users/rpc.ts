/** authsome.control.v1.AccountService: message in, use case, message out. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { AccountService } from "#gen/authsome/control/v1/account_service_pb.ts"
import type { Overloaded } from "#shared/crypto/Password.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { AlreadyExists, NotFound, ResourceExhausted, Unauthenticated } from "#shared/rpc/PublicError.ts"
import { pending } from "../../pending.ts"
import { currentUser } from "./authenticate.ts"
import { toTokens, toUser } from "./proto.ts"
import { Sessions } from "./Sessions.ts"
import { Users } from "./Users.ts"

export const layer = Handlers.layer(
  AccountService,
  Effect.gen(function* () {
    const users = yield* Users
    const sessions = yield* Sessions
    return {
      signUp: Effect.fnUntraced(
        function* ({ email, password, name }) {
          const user = yield* users.signUp({ email, password: secret(password), name })
          return { user: toUser(user), ...toTokens(yield* sessions.open(user.id)) }
        },
        Effect.catchTags({ EmailTaken: () => emailTaken, Overloaded: overloaded }),
      ),
      logIn: Effect.fnUntraced(
        function* ({ email, password }) {
          const user = yield* users.authenticate(email, secret(password))
          return { user: toUser(user), ...toTokens(yield* sessions.open(user.id)) }
        },
        Effect.catchTags({ InvalidCredentials: () => invalidCredentials, Overloaded: overloaded }),
      ),
      refreshToken: ({ refreshToken }) =>
        sessions.refresh(secret(refreshToken)).pipe(
          Effect.map(toTokens),
          Effect.catchTags({
            RefreshTokenUnknown: () => tokenInvalid,
            RefreshTokenReused: () => tokenReused,
            SessionEnded: () => sessionEnded,
          }),
        ),
      logOut: Effect.fnUntraced(function* ({ allSessions }) {
        const { userId, sessionId } = yield* currentUser
        yield* allSessions ? sessions.endAll(userId) : sessions.end(sessionId)
        return {}
      }),
      getCurrentUser: Effect.fnUntraced(
        function* () {
          const { userId } = yield* currentUser
          return { user: toUser(yield* users.get(userId)) }
        },
        Effect.catchTag("UserNotFound", () => userNotFound),
      ),
    }
  }),
  pending.AccountService,
)

const secret = (text: string) => Redacted.make(text)

const emailTaken = new AlreadyExists({ reason: "EMAIL_TAKEN", message: "an account with this e-mail address exists" })
const invalidCredentials = new Unauthenticated({
  reason: "INVALID_CREDENTIALS",
  message: "the e-mail address and the password do not fit together",
})
const tokenInvalid = new Unauthenticated({ reason: "TOKEN_INVALID", message: "the refresh token is not valid" })
const tokenReused = new Unauthenticated({
  reason: "TOKEN_REUSED",
  message: "the refresh token was used before, so its session has been ended; log in again",
})
const sessionEnded = new Unauthenticated({ reason: "SESSION_ENDED", message: "the session has ended; log in again" })
const userNotFound = new NotFound({ reason: "NOT_FOUND", message: "the account no longer exists" })

const overloaded = ({ retryAfterMillis }: Overloaded) =>
  new ResourceExhausted({
    reason: "OVERLOADED",
    message: "too many passwords are being checked at the moment",
    retryAfterMs: retryAfterMillis,
  })
