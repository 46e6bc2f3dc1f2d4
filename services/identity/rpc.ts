/** authsome.identity.v1.IdentityService, for backend services. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { TokenDefect } from "#gen/authsome/identity/v1/token_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { pending } from "../pending.ts"
import type { SignedIn, SignIn } from "./credentials/Credential.ts"
import { Credentials } from "./credentials/Credentials.ts"
import { passwordHandlers } from "./credentials/PasswordRpc.ts"
import { SignUps } from "./credentials/SignUps.ts"
import { refuse } from "./proto.ts"
import { fromClientInfo, toClaims, toTokens } from "./sessions/proto.ts"
import type { ClientInfo, SessionEnd } from "./sessions/Session.ts"
import { Sessions } from "./sessions/Sessions.ts"
import * as IdentityTotpRpc from "./totp/IdentityTotpRpc.ts"
import { callerName, toTotpChallenge } from "./totp/proto.ts"
import { pageOf } from "./users/Page.ts"
import { toUser } from "./users/proto.ts"
import { UserId } from "./users/User.ts"
import { Users } from "./users/Users.ts"

// The contract has checked that an id is a UUID; the database has them in lower case.
const userIdOf = (text: string) => UserId.make(text.toLowerCase())

/** The person at the client has signed up or in; their program tells us of it. */
const signedIn = (client: ClientInfo) => (ready: Effect.Effect<SignedIn, Parameters<typeof refuse>[0]>) =>
  ready.pipe(
    Effect.tap(({ user }) => changed({ type: "user", id: user.id, origin: client })),
    Effect.map(({ user, tokens }) => ({ user: toUser(user), tokens: toTokens(tokens) })),
    Effect.catch(refuse),
  )

/** The same, unless the account takes codes: then nothing has happened before the right one comes. */
const loggedIn = (client: ClientInfo) =>
  Effect.fnUntraced(function* (ready: Effect.Effect<SignIn, Parameters<typeof refuse>[0]>) {
    const signIn = yield* Effect.catch(ready, refuse)
    if (signIn._tag === "SignedIn") {
      const value = yield* signedIn(client)(Effect.succeed(signIn.signedIn))
      return { outcome: { case: "signedIn" as const, value } }
    }
    yield* unchanged
    return { outcome: { case: "totpChallenge" as const, value: toTotpChallenge(signIn.challenge) } }
  })

export const layer = Handlers.layer(
  IdentityService,
  Effect.gen(function* () {
    const users = yield* Users
    const signUps = yield* SignUps
    const credentials = yield* Credentials
    const passwords = yield* passwordHandlers
    const sessions = yield* Sessions
    const totp = yield* IdentityTotpRpc.handlers

    /** Finds the session of a token, and then ends it. */
    const ending = (why: SessionEnd) =>
      Effect.fnUntraced(function* ({ token }: { readonly token: string }) {
        const session = yield* Effect.catch(sessions.sessionOf(Redacted.make(token)), refuse)
        return Effect.gen(function* () {
          const owner = Option.isSome(session) ? yield* sessions.end(session.value, why) : Option.none()
          yield* Option.isSome(owner) ? changed({ type: "user", id: owner.value }) : unchanged
          return {}
        }).pipe(Effect.catch(refuse))
      })

    return {
      ...passwords,
      ...totp,

      register: Handlers.prepared(({ username, email, password, displayName, client: info }) => {
        const client = fromClientInfo(info)
        return signUps
          .prepare({ username, email, password: Redacted.make(password), displayName, client })
          .pipe(Effect.map(signedIn(client)), Effect.catch(refuse))
      }),

      login: Handlers.prepared(
        Effect.fnUntraced(function* ({ identifier, password, client: info }) {
          const client = fromClientInfo(info)
          const form = { identifier, password: Redacted.make(password), client, caller: yield* callerName }
          return yield* credentials.prepareSignIn(form).pipe(Effect.map(loggedIn(client)), Effect.catch(refuse))
        }),
      ),

      logout: Handlers.prepared(ending("loggedOut")),

      refreshToken: ({ refreshToken }) =>
        sessions.refresh(Redacted.make(refreshToken)).pipe(
          Effect.map(({ tokens }) => ({ tokens: toTokens(tokens) })),
          Effect.catch(refuse),
        ),

      revokeToken: Handlers.prepared(ending("revoked")),

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
            Effect.tap(({ user, updated }) => (updated ? changed({ type: "user", id: user.id }) : unchanged)),
            Effect.map(({ user }) => ({ user: toUser(user) })),
            Effect.catch(refuse),
          ),
    }
  }),
  pending.IdentityService,
)
