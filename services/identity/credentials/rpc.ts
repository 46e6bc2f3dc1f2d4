/** authsome.identity.v1.TenantAuthService: signing up and in at an instance. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { TenantAuthService } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import { Call } from "#shared/rpc/Caller.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { pending } from "../../pending.ts"
import { refuse } from "../proto.ts"
import { toIssuedSession } from "../sessions/proto.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { clientOf, endUser, tellActive } from "../tenant/rpc.ts"
import { toSessionUser } from "../users/proto.ts"
import { Users } from "../users/Users.ts"
import type { SignedIn } from "./Credential.ts"
import { Credentials } from "./Credentials.ts"

const toAnswer = ({ user, tokens }: SignedIn) =>
  Effect.as(tellActive(user.id), { user: toSessionUser(user), session: toIssuedSession(tokens) })

const signedIn = (ready: Effect.Effect<SignedIn, Parameters<typeof refuse>[0]>) =>
  ready.pipe(
    Effect.tap(({ user }) => changed({ type: "user", id: user.id })),
    Effect.catch(refuse),
    Effect.flatMap(toAnswer),
  )

export const layer = Handlers.layer(
  TenantAuthService,
  Effect.gen(function* () {
    const credentials = yield* Credentials
    const sessions = yield* Sessions
    const users = yield* Users

    return {
      // A taken address is told to public keys too, until it can be mailed to its owner instead.
      signUp: Handlers.prepared(
        Effect.fnUntraced(function* ({ email, password, name }) {
          const form = { username: undefined, email, password: Redacted.make(password), displayName: name }
          const ready = credentials.prepareSignUp({ ...form, client: clientOf(yield* Call) })
          return signedIn(yield* Effect.catch(ready, refuse))
        }),
      ),

      signIn: Handlers.prepared(
        Effect.fnUntraced(function* ({ email, password }) {
          const form = { identifier: email, password: Redacted.make(password) }
          const ready = credentials.prepareSignIn({ ...form, client: clientOf(yield* Call) })
          return signedIn(yield* Effect.catch(ready, refuse))
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
    }
  }),
  pending.TenantAuthService,
)
