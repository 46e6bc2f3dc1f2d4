/** authsome.identity.v1.TenantAuthService: signing up and in at an instance. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { TenantAuthService } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import { Caller } from "#shared/rpc/Caller.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { toIssuedSession } from "../sessions/proto.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { endUser, personsClient, tellActive } from "../tenant/rpc.ts"
import { callerName, toSignInChallenge } from "../totp/proto.ts"
import * as TenantTotpRpc from "../totp/TenantTotpRpc.ts"
import { toSessionUser } from "../users/proto.ts"
import { Users } from "../users/Users.ts"
import type { SignedUp, SignIn } from "./Credential.ts"
import { Credentials } from "./Credentials.ts"
import { EmailVerifications } from "./EmailVerifications.ts"
import { PasswordChanges } from "./PasswordChanges.ts"
import { askedFor } from "./PasswordRpc.ts"
import { type Seeming, SignUps } from "./SignUps.ts"

const toMessage = ({ user, tokens }: SignedUp) => ({
  user: toSessionUser(user),
  ...(tokens === undefined ? {} : { session: toIssuedSession(tokens) }),
})

const toAnswer = (signedIn: SignedUp) => Effect.as(tellActive(signedIn.user.id), toMessage(signedIn))

const signedIn = (ready: Effect.Effect<SignedUp, Parameters<typeof refuse>[0]>) =>
  ready.pipe(
    Effect.tap(({ user }) => changed({ type: "user", id: user.id })),
    Effect.catch(refuse),
    Effect.flatMap(toAnswer),
  )

/** A sign-in, unless the account takes codes: then nothing has happened before the right one comes. */
const begun = Effect.fnUntraced(function* (ready: Effect.Effect<SignIn, Parameters<typeof refuse>[0]>) {
  const signIn = yield* Effect.catch(ready, refuse)
  if (signIn._tag === "SignedIn") return yield* signedIn(Effect.succeed(signIn.signedIn))
  yield* unchanged
  return { challenge: toSignInChallenge(signIn.challenge) }
})

/** Nothing was changed, and nobody was active, by a sign-up that only looks like one. */
const seeming = (ready: Effect.Effect<Seeming, Parameters<typeof refuse>[0]>) =>
  Effect.gen(function* () {
    const { genuine, ...answer } = yield* Effect.catch(ready, refuse)
    if (genuine) return yield* signedIn(Effect.succeed(answer))
    yield* unchanged
    return toMessage(answer)
  })

/** A secret key may know which addresses are taken; a public one is in the hands of anybody. */
const isDiscreet = Effect.map(Caller, (caller) => caller._tag !== "Key" || caller.key.kind !== "secret")

export const layer = Handlers.layer(
  TenantAuthService,
  Effect.gen(function* () {
    const signUps = yield* SignUps
    const credentials = yield* Credentials
    const passwords = yield* PasswordChanges
    const verifications = yield* EmailVerifications
    const sessions = yield* Sessions
    const users = yield* Users
    const totp = yield* TenantTotpRpc.handlers

    return {
      ...totp,

      signUp: Handlers.prepared(
        Effect.fnUntraced(function* ({ email, password, name }) {
          const client = yield* personsClient
          const form = { username: undefined, email, password: Redacted.make(password), displayName: name, client }
          return (yield* isDiscreet)
            ? seeming(yield* Effect.catch(signUps.prepareDiscreetly(form), refuse))
            : signedIn(yield* Effect.catch(signUps.prepare(form), refuse))
        }),
      ),

      signIn: Handlers.prepared(
        Effect.fnUntraced(function* ({ email, password }) {
          const asker = { client: yield* personsClient, caller: yield* callerName }
          const ready = credentials.prepareSignIn({ identifier: email, password: Redacted.make(password), ...asker })
          return begun(yield* Effect.catch(ready, refuse))
        }),
      ),

      signOut: Effect.fnUntraced(function* () {
        const { userId, sessionId } = yield* endUser
        const owner = yield* Effect.catch(sessions.end(sessionId, "loggedOut"), refuse)
        yield* Option.isSome(owner) ? changed({ type: "user", id: userId }) : unchanged
        return {}
      }),

      refreshSession: Effect.fnUntraced(function* ({ refreshToken }) {
        const { userId, tokens } = yield* Effect.catch(sessions.refresh(Redacted.make(refreshToken)), refuse)
        const user = yield* Effect.catch(users.get(userId), refuse)
        return yield* toAnswer({ user, tokens })
      }),

      sendPasswordReset: ({ email }) =>
        passwords.requestReset(email).pipe(
          Effect.tap((owner) => askedFor(owner)),
          Effect.as({}),
          Effect.catch(refuse),
        ),

      completePasswordReset: Handlers.prepared(({ token, newPassword }) =>
        passwords.prepareReset(Redacted.make(token), Redacted.make(newPassword)).pipe(
          Effect.map((ready) =>
            ready.pipe(
              Effect.tap((id) => changed({ type: "user", id })),
              Effect.as({}),
              Effect.catch(refuse),
            ),
          ),
          Effect.catch(refuse),
        ),
      ),

      sendEmailVerification: ({ email }) => verifications.requestFor(email).pipe(Effect.as({}), Effect.catch(refuse)),

      completeEmailVerification: ({ token }) =>
        verifications.verify(Redacted.make(token)).pipe(
          Effect.tap(({ user, changed: now }) => (now ? changed({ type: "user", id: user.id }) : unchanged)),
          Effect.map(({ user }) => ({ user: toSessionUser(user) })),
          Effect.catch(refuse),
        ),

      changeOwnPassword: Handlers.prepared(
        Effect.fnUntraced(function* ({ currentPassword, newPassword }) {
          const { userId, sessionId } = yield* endUser
          const ready = passwords.prepareChange({
            userId,
            currentPassword: Redacted.make(currentPassword),
            newPassword: Redacted.make(newPassword),
            keep: sessionId,
            client: yield* personsClient,
          })
          return (yield* Effect.catch(ready, refuse)).pipe(
            Effect.tap(changed({ type: "user", id: userId })),
            Effect.as({}),
            Effect.catch(refuse),
          )
        }),
      ),
    }
  }),
)
