/** authsome.identity.v1.TenantSessionService: the sessions of an instance's end users. */
import * as Effect from "effect/Effect"
import { TenantSessionService } from "#gen/authsome/identity/v1/tenant_session_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { pending } from "../../pending.ts"
import { refuse } from "../proto.ts"
import { endUser } from "../tenant/rpc.ts"
import { toSessionUser } from "../users/proto.ts"
import { Users } from "../users/Users.ts"
import { toEndUserSession } from "./proto.ts"
import { Sessions } from "./Sessions.ts"

export const layer = Handlers.layer(
  TenantSessionService,
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const users = yield* Users

    return {
      getCurrentSession: Effect.fnUntraced(function* () {
        const { userId, sessionId } = yield* endUser
        const session = yield* Effect.catch(sessions.get(sessionId), refuse)
        const user = yield* Effect.catch(users.get(userId), refuse)
        return { session: toEndUserSession(session, true), user: toSessionUser(user) }
      }),
    }
  }),
  pending.TenantSessionService,
)
