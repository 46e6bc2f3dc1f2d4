/** The part of authsome.identity.v1.IdentityService that is about sessions and their tokens. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { TokenDefect } from "#gen/authsome/identity/v1/token_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { pageOf } from "../users/Page.ts"
import { userIdOf } from "../users/proto.ts"
import { Users } from "../users/Users.ts"
import { toClaims, toSession, toTokens } from "./proto.ts"
import { type SessionEnd, SessionId } from "./Session.ts"
import { Sessions } from "./Sessions.ts"

type Names =
  | "logout"
  | "refreshToken"
  | "verifyToken"
  | "revokeToken"
  | "revokeAllUserTokens"
  | "listSessions"
  | "revokeSession"

const sessionIdOf = (text: string) => SessionId.make(text.toLowerCase())

export const handlers = Effect.gen(function* () {
  const sessions = yield* Sessions
  const users = yield* Users

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

  const made: Pick<Handlers.Handlers<typeof IdentityService>, Names> = {
    logout: Handlers.prepared(ending("loggedOut")),

    revokeToken: Handlers.prepared(ending("revoked")),

    refreshToken: ({ refreshToken }) =>
      sessions.refresh(Redacted.make(refreshToken)).pipe(
        Effect.map(({ tokens }) => ({ tokens: toTokens(tokens) })),
        Effect.catch(refuse),
      ),

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

    revokeAllUserTokens: Effect.fnUntraced(function* ({ userId, exceptSessionId }) {
      const id = userIdOf(userId)
      const except = exceptSessionId === "" ? undefined : sessionIdOf(exceptSessionId)
      const revokedSessions = yield* users.endSessions(id, except)
      yield* revokedSessions > 0 ? changed({ type: "user", id }) : unchanged
      return { revokedSessions }
    }, Effect.catch(refuse)),

    listSessions: Effect.fnUntraced(function* ({ userId, ...request }) {
      const { id } = yield* users.get(userIdOf(userId))
      const { data, ...page } = yield* sessions.list(id, pageOf(request))
      return { ...page, data: data.map(toSession) }
    }, Effect.catch(refuse)),

    revokeSession: Effect.fnUntraced(function* ({ userId, sessionId }) {
      const id = userIdOf(userId)
      const ended = yield* sessions.revoke(id, sessionIdOf(sessionId))
      yield* ended ? changed({ type: "user", id }) : unchanged
      return {}
    }, Effect.catch(refuse)),
  }
  return made
})
