/** authsome.identity.v1.TenantSessionService: the sessions of an instance's end users. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TenantSessionService } from "#gen/authsome/identity/v1/tenant_session_pb.ts"
import { idToUuid } from "#shared/ids/Id.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { endUser } from "../tenant/rpc.ts"
import { pageOf } from "../users/Page.ts"
import { fromPublicUserId, toSessionUser } from "../users/proto.ts"
import type { UserId } from "../users/User.ts"
import { Users } from "../users/Users.ts"
import { toEndUserSession } from "./proto.ts"
import { SessionId, SessionNotFound } from "./Session.ts"
import { Sessions } from "./Sessions.ts"

/** An id that stands for no UUID was never given out, so nobody had it. */
const sessionIdOf = (text: string) =>
  Effect.fromOption(
    Option.map(idToUuid("ses", text), (uuid) => SessionId.make(uuid)),
    () => new SessionNotFound(),
  )

export const layer = Handlers.layer(
  TenantSessionService,
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const users = yield* Users

    const listed = Effect.fnUntraced(function* (
      userId: UserId,
      request: { readonly page: number; readonly pageSize: number },
      current?: SessionId,
    ) {
      const { data, ...page } = yield* sessions.list(userId, pageOf(request))
      return { ...page, data: data.map((session) => toEndUserSession(session, session.id === current)) }
    })

    const revoked = Effect.fnUntraced(function* (userId: UserId, sessionId: string) {
      const ended = yield* sessions.revoke(userId, yield* sessionIdOf(sessionId))
      yield* ended ? changed({ type: "user", id: userId }) : unchanged
      return {}
    })

    return {
      getCurrentSession: Effect.fnUntraced(function* () {
        const { userId, sessionId } = yield* endUser
        const session = yield* sessions.get(sessionId)
        const user = yield* users.get(userId)
        return { session: toEndUserSession(session, true), user: toSessionUser(user) }
      }, Effect.catch(refuse)),

      listOwnSessions: Effect.fnUntraced(function* (request) {
        const { userId, sessionId } = yield* endUser
        return yield* listed(userId, request, sessionId)
      }, Effect.catch(refuse)),

      revokeOwnSession: Effect.fnUntraced(function* ({ sessionId }) {
        const { userId } = yield* endUser
        return yield* revoked(userId, sessionId)
      }, Effect.catch(refuse)),

      listEndUserSessions: Effect.fnUntraced(function* ({ userId, ...request }) {
        const { id } = yield* Effect.flatMap(fromPublicUserId(userId), users.get)
        return yield* listed(id, request)
      }, Effect.catch(refuse)),

      revokeEndUserSession: Effect.fnUntraced(function* ({ userId, sessionId }) {
        const { id } = yield* Effect.flatMap(fromPublicUserId(userId), users.get)
        return yield* revoked(id, sessionId)
      }, Effect.catch(refuse)),

      revokeEndUserSessions: Effect.fnUntraced(function* ({ userId }) {
        const id = yield* fromPublicUserId(userId)
        const ended = yield* users.endSessions(id)
        yield* ended > 0 ? changed({ type: "user", id }) : unchanged
        return {}
      }, Effect.catch(refuse)),
    }
  }),
)
