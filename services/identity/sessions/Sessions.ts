/** Starting, using and ending sessions. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { SessionEnd as WireSessionEnd } from "#gen/authsome/identity/v1/events_pb.ts"
import { sha256 } from "#shared/crypto/digest.ts"
import { randomBytes } from "#shared/crypto/random.ts"
import { opaqueToken } from "#shared/crypto/Token.ts"
import { newUuid } from "#shared/ids/Id.ts"
import { sweeping } from "#shared/runtime/sweeping.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import type { AccessClaims, AccessTokenInvalid } from "../tokens/AccessToken.ts"
import { AccessTokens } from "../tokens/AccessTokens.ts"
import {
  judge,
  nextRefreshToken,
  RefreshTokenInvalid,
  RefreshTokenReused,
  sessionLifetime,
} from "../tokens/RefreshToken.ts"
import type { Page, Paged } from "../users/Page.ts"
import type { UserId } from "../users/User.ts"
import {
  type ClientInfo,
  type Session,
  type SessionEnd,
  SessionEnded,
  SessionId,
  SessionNotFound,
  type Tokens,
} from "./Session.ts"
import { SessionStore } from "./SessionStore.ts"

/** What is over stays for a while, so that a late copy of a token is still told from nonsense. */
const keepEnded = Duration.days(30)
const sweepInterval = Duration.hours(1)

/** A session that begins with the caller's transaction. */
export interface PreparedSession {
  readonly tokens: Tokens
  /** Adds the session to the transaction that it runs in. Until that commits the tokens are worthless. */
  readonly save: Effect.Effect<void, DatabaseFailed>
}

/** An access token that may be used now, and its session. */
export interface LiveToken {
  readonly claims: AccessClaims
  readonly session: Session
}

export interface Refreshed {
  readonly userId: UserId
  readonly tokens: Tokens
}

type RefreshRefused = RefreshTokenInvalid | RefreshTokenReused | SessionEnded

export class Sessions extends Context.Service<
  Sessions,
  {
    /** Makes the tokens of a new session. Not to be used within a transaction: that is for `save`. */
    readonly prepare: (userId: UserId, client: ClientInfo) => Effect.Effect<PreparedSession, DatabaseFailed>
    /** Judges an access token, its session and its account. */
    readonly verify: (
      token: Redacted.Redacted<string>,
    ) => Effect.Effect<LiveToken, AccessTokenInvalid | SessionEnded | DatabaseFailed>
    readonly get: (id: SessionId) => Effect.Effect<Session, SessionEnded | DatabaseFailed>
    /** The live sessions of a user, the last used first. */
    readonly list: (userId: UserId, page: Page) => Effect.Effect<Paged<Session>, DatabaseFailed>
    /** Exchanges a refresh token for the next pair; one that somebody else holds too ends the session. */
    readonly refresh: (token: Redacted.Redacted<string>) => Effect.Effect<Refreshed, RefreshRefused | DatabaseFailed>
    /**
     * The session of an access or refresh token, even of an access token that has expired; none of an unknown token. Not to
     * be used within a transaction.
     */
    readonly sessionOf: (token: Redacted.Redacted<string>) => Effect.Effect<Option.Option<SessionId>, DatabaseFailed>
    /** Ends a session and says whose it was; none where it had ended before, and nothing happens. */
    readonly end: (id: SessionId, why: SessionEnd) => Effect.Effect<Option.Option<UserId>, DatabaseFailed>
    /** Ends a session of this user; false where it had ended before, and nothing happens. */
    readonly revoke: (userId: UserId, id: SessionId) => Effect.Effect<boolean, SessionNotFound | DatabaseFailed>
    /** Ends every session of a user, but one that is to go on, and says how many. */
    readonly endAll: (userId: UserId, why: SessionEnd, except?: SessionId) => Effect.Effect<number, DatabaseFailed>
  }
>()("identity/Sessions") {
  static readonly layer = Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* SessionStore
      const accessTokens = yield* AccessTokens
      const events = yield* IdentityEvents

      yield* sweeping(store.sweep(keepEnded), { every: sweepInterval })

      const revoked = (userId: UserId, sessionId: SessionId, why: SessionEnd) =>
        events.append(userId, { case: "sessionRevoked", value: { userId, sessionId, reason: wireReasons[why] } })

      const prepare = Effect.fnUntraced(function* (userId: UserId, client: ClientInfo) {
        const id = SessionId.make(yield* newUuid)
        const { token, expiresAt } = yield* accessTokens.issue(userId, id)
        const refreshToken = yield* opaqueToken
        const refreshSecret = yield* randomBytes(32)
        const digest = sha256(Redacted.value(refreshToken))
        return {
          tokens: { sessionId: id, accessToken: token, expiresAt, refreshToken },
          save: store.insert({ id, userId, client, lifetime: sessionLifetime, refreshSecret, digest }),
        }
      })

      const get = (id: SessionId) =>
        Effect.flatMap(store.findLive(id), (session) => Effect.fromOption(session, () => new SessionEnded()))

      const verify = Effect.fnUntraced(function* (token: Redacted.Redacted<string>) {
        const claims = yield* accessTokens.verify(token)
        const session = yield* get(claims.sessionId)
        return session.userId === claims.userId ? { claims, session } : yield* new SessionEnded()
      })

      const end = Effect.fnUntraced(function* (id: SessionId, why: SessionEnd) {
        const owner = yield* store.end(id, why)
        if (Option.isSome(owner)) yield* revoked(owner.value, id, why)
        return owner
      }, atomically)

      const revoke = Effect.fn("Sessions.revoke")(function* (userId: UserId, id: SessionId) {
        if (!(yield* store.isOf(userId, id))) return yield* new SessionNotFound()
        return Option.isSome(yield* end(id, "revoked"))
      })

      const list = Effect.fnUntraced(function* (userId: UserId, page: Page) {
        const total = yield* store.count(userId)
        return { ...page, total, data: yield* store.list(userId, page) }
      })

      /** What becomes of a shown token; a refusal is an outcome, since what it changed must be committed. */
      const exchanged = Effect.fnUntraced(function* (token: Redacted.Redacted<string>) {
        const digest = sha256(Redacted.value(token))
        const found = yield* store.lockFamily(digest)
        if (Option.isNone(found)) return new RefreshTokenInvalid()
        const member = found.value
        if (!member.live) return new SessionEnded()
        const verdict = judge(member)
        if (verdict === "reused") {
          yield* end(member.sessionId, "tokenReused")
          return new RefreshTokenReused()
        }
        const next = nextRefreshToken(member.refreshSecret, token)
        if (verdict === "exchange") {
          yield* store.exchange({ member, digest, nextDigest: sha256(Redacted.value(next)), lifetime: sessionLifetime })
        }
        return { member, refreshToken: next }
      }, atomically)

      const refresh = Effect.fn("Sessions.refresh")(function* (token: Redacted.Redacted<string>) {
        const outcome = yield* exchanged(token)
        if ("_tag" in outcome) return yield* outcome
        const { userId, sessionId } = outcome.member
        const access = yield* accessTokens.issue(userId, sessionId)
        const { refreshToken } = outcome
        return { userId, tokens: { sessionId, accessToken: access.token, expiresAt: access.expiresAt, refreshToken } }
      })

      /** Access tokens have dots, refresh tokens have none. */
      const sessionOf = (token: Redacted.Redacted<string>): Effect.Effect<Option.Option<SessionId>, DatabaseFailed> =>
        Redacted.value(token).includes(".")
          ? accessTokens.sessionOf(token)
          : store.findByDigest(sha256(Redacted.value(token)))

      const endAll = Effect.fn("Sessions.endAll")(function* (userId: UserId, why: SessionEnd, except?: SessionId) {
        const ended = yield* store.endAll(userId, why, except)
        yield* Effect.forEach(ended, (id) => revoked(userId, id, why), { discard: true })
        return ended.length
      }, atomically)

      return Sessions.of({ prepare, verify, get, list, refresh, sessionOf, end, revoke, endAll })
    }),
  )
}

const wireReasons: Readonly<Record<SessionEnd, WireSessionEnd>> = {
  loggedOut: WireSessionEnd.LOGGED_OUT,
  revoked: WireSessionEnd.REVOKED,
  passwordChanged: WireSessionEnd.PASSWORD_CHANGED,
  tokenReused: WireSessionEnd.TOKEN_REUSED,
  userSuspended: WireSessionEnd.USER_SUSPENDED,
  userDeleted: WireSessionEnd.USER_DELETED,
}
