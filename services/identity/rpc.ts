/** authsome.identity.v1.IdentityService, for backend services. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import type { SignedUp, SignIn } from "./credentials/Credential.ts"
import { Credentials } from "./credentials/Credentials.ts"
import { passwordHandlers } from "./credentials/PasswordRpc.ts"
import { SignUps } from "./credentials/SignUps.ts"
import * as IdentityPrivacyRpc from "./privacy/IdentityPrivacyRpc.ts"
import { refuse } from "./proto.ts"
import * as IdentitySessionRpc from "./sessions/IdentitySessionRpc.ts"
import { fromClientInfo, toTokens } from "./sessions/proto.ts"
import type { ClientInfo } from "./sessions/Session.ts"
import * as IdentityTotpRpc from "./totp/IdentityTotpRpc.ts"
import { callerName, toTotpChallenge } from "./totp/proto.ts"
import * as IdentityUserRpc from "./users/IdentityUserRpc.ts"
import { toUser } from "./users/proto.ts"

/** The person at the client has signed up or in; their program tells us of it. */
const signedIn = (client: ClientInfo) => (ready: Effect.Effect<SignedUp, Parameters<typeof refuse>[0]>) =>
  ready.pipe(
    Effect.tap(({ user }) => changed({ type: "user", id: user.id, origin: client })),
    Effect.map(({ user, tokens }) => ({
      user: toUser(user),
      ...(tokens === undefined ? {} : { tokens: toTokens(tokens) }),
    })),
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
    const signUps = yield* SignUps
    const credentials = yield* Credentials
    const passwords = yield* passwordHandlers
    const sessions = yield* IdentitySessionRpc.handlers
    const users = yield* IdentityUserRpc.handlers
    const privacy = yield* IdentityPrivacyRpc.handlers
    const totp = yield* IdentityTotpRpc.handlers

    return {
      ...passwords,
      ...totp,
      ...sessions,
      ...users,
      ...privacy,

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
    }
  }),
)
