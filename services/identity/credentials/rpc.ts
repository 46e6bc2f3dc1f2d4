/** authsome.identity.v1.TenantAuthService: signing up and in at an instance. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TenantAuthService } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import { Call } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { pending } from "../../pending.ts"
import { refuse } from "../proto.ts"
import { toIssuedSession } from "../sessions/proto.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { clientOf, endUser, keyId, tellActive } from "../tenant/rpc.ts"
import { toSessionUser } from "../users/proto.ts"
import { Users } from "../users/Users.ts"
import type { SignedIn } from "./Credential.ts"
import { Credentials } from "./Credentials.ts"

const toAnswer = ({ user, tokens }: SignedIn) =>
  Effect.as(tellActive(user.id), { user: toSessionUser(user), session: toIssuedSession(tokens) })

export const layer = Handlers.layer(
  TenantAuthService,
  Effect.gen(function* () {
    const credentials = yield* Credentials
    const sessions = yield* Sessions
    const users = yield* Users

    return {
      // A taken address is told to public keys too, until it can be mailed to its owner instead.
      signUp: Effect.fnUntraced(function* ({ email, password, name, requestId }) {
        const call = yield* Call
        const caller = yield* keyId
        const signedIn = yield* credentials
          .signUp({
            username: undefined,
            email,
            password: Redacted.make(password),
            displayName: name,
            client: clientOf(call),
            request: requestId === "" ? undefined : { caller, rpc: call.rpc, id: requestId },
          })
          .pipe(Effect.catch(refuse))
        return yield* toAnswer(signedIn)
      }),

      signIn: Effect.fnUntraced(function* ({ email, password }) {
        const call = yield* Call
        const signedIn = yield* credentials
          .signIn({ identifier: email, password: Redacted.make(password), client: clientOf(call) })
          .pipe(Effect.catch(refuse))
        return yield* toAnswer(signedIn)
      }),

      signOut: Effect.fnUntraced(function* () {
        const { sessionId } = yield* endUser
        yield* Effect.catch(sessions.end(sessionId, "loggedOut"), refuse)
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
