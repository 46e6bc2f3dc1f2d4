/** authsome.identity.v1.IdentityService, for backend services. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { TokenDefect } from "#gen/authsome/identity/v1/token_pb.ts"
import { Call, Caller } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { pending } from "../pending.ts"
import { Credentials } from "./credentials/Credentials.ts"
import { refuse } from "./proto.ts"
import { fromClientInfo, toClaims, toTokens } from "./sessions/proto.ts"
import { Sessions } from "./sessions/Sessions.ts"
import { pageOf } from "./users/Page.ts"
import { toUser } from "./users/proto.ts"
import { UserId } from "./users/User.ts"
import { Users } from "./users/Users.ts"

// The contract has checked that an id is a UUID; the database has them in lower case.
const userIdOf = (text: string) => UserId.make(text.toLowerCase())

export const layer = Handlers.layer(
  IdentityService,
  Effect.gen(function* () {
    const users = yield* Users
    const credentials = yield* Credentials
    const sessions = yield* Sessions

    return {
      register: Effect.fnUntraced(function* ({ username, email, password, displayName, client, requestId }) {
        const caller = yield* Caller
        const { rpc } = yield* Call
        const peer = caller._tag === "Peer" ? caller.name : ""
        const { user, tokens } = yield* credentials
          .signUp({
            username,
            email,
            password: Redacted.make(password),
            displayName,
            client: fromClientInfo(client),
            request: requestId === "" ? undefined : { caller: peer, rpc, id: requestId },
          })
          .pipe(Effect.catch(refuse))
        return { user: toUser(user), tokens: toTokens(tokens) }
      }),

      login: Effect.fnUntraced(function* ({ identifier, password, client }) {
        const { user, tokens } = yield* credentials
          .signIn({ identifier, password: Redacted.make(password), client: fromClientInfo(client) })
          .pipe(Effect.catch(refuse))
        return { outcome: { case: "signedIn", value: { user: toUser(user), tokens: toTokens(tokens) } } }
      }),

      logout: ({ token }) =>
        sessions.endOf(Redacted.make(token), "loggedOut").pipe(Effect.as({}), Effect.catch(refuse)),

      refreshToken: ({ refreshToken }) =>
        sessions.refresh(Redacted.make(refreshToken)).pipe(
          Effect.map(({ tokens }) => ({ tokens: toTokens(tokens) })),
          Effect.catch(refuse),
        ),

      revokeToken: ({ token }) =>
        sessions.endOf(Redacted.make(token), "revoked").pipe(Effect.as({}), Effect.catch(refuse)),

      verifyToken: ({ token }) =>
        sessions.verify(Redacted.make(token)).pipe(
          Effect.map(({ claims }) => ({ valid: true, claims: toClaims(claims) })),
          Effect.catchTags({
            AccessTokenInvalid: ({ expired }) =>
              Effect.succeed({ valid: false, defect: expired ? TokenDefect.EXPIRED : TokenDefect.MALFORMED }),
            SessionEnded: () => Effect.succeed({ valid: false, defect: TokenDefect.REVOKED }),
          }),
          Effect.catch(refuse),
        ),

      getUser: ({ userId }) =>
        users.get(userIdOf(userId)).pipe(
          Effect.map((user) => ({ user: toUser(user) })),
          Effect.catch(refuse),
        ),

      listUsers: ({ search, active, ...request }) =>
        users.list({ search, active }, pageOf(request)).pipe(
          Effect.map(({ data, ...page }) => ({ ...page, data: data.map(toUser) })),
          Effect.catch(refuse),
        ),

      updateUserProfile: ({
        userId,
        username,
        displayName,
        avatarUrl,
        firstName,
        lastName,
        bio,
        location,
        phoneNumber,
      }) =>
        users
          .updateProfile(userIdOf(userId), {
            ...{ username, displayName, avatarUrl, firstName, lastName, bio, location, phoneNumber },
          })
          .pipe(
            Effect.map((user) => ({ user: toUser(user) })),
            Effect.catch(refuse),
          ),
    }
  }),
  pending.IdentityService,
)
