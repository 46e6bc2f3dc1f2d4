/** Sessions of the dashboard: opened, refreshed, ended. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { sha256 } from "#shared/crypto/digest.ts"
import { JwtSigner } from "#shared/crypto/Jwt.ts"
import { opaqueToken } from "#shared/crypto/Token.ts"
import { newId } from "#shared/ids/Id.ts"
import { hourly } from "../sweep.ts"
import {
  audience,
  idleLifetime,
  judge,
  RefreshTokenReused,
  RefreshTokenUnknown,
  SessionEnded,
  SessionId,
  type TokenPair,
  tokenLifetime,
} from "./Session.ts"
import { SessionStore } from "./SessionStore.ts"
import type { UserId } from "./User.ts"

export class Sessions extends Context.Service<
  Sessions,
  {
    /** Opens a session for somebody whose identity is proven. */
    readonly open: (userId: UserId) => Effect.Effect<TokenPair>
    /** The next pair for a refresh token, which is used up. One that was used before ends its session. */
    readonly refresh: (
      refreshToken: Redacted.Redacted<string>,
    ) => Effect.Effect<TokenPair, RefreshTokenUnknown | RefreshTokenReused | SessionEnded>
    /** Ends one session; ending it again changes nothing. */
    readonly end: (id: SessionId) => Effect.Effect<void>
    readonly endAll: (userId: UserId) => Effect.Effect<void>
  }
>()("control-plane/Sessions") {
  static readonly layer = Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* SessionStore
      const signer = yield* JwtSigner
      yield* hourly("sessions that are over", store.sweep)

      const idleUntil = (now: DateTime.Utc) => DateTime.addDuration(now, idleLifetime)

      /** Gives a session its next pair. */
      const issue = Effect.fnUntraced(function* (sessionId: SessionId, userId: UserId, now: DateTime.Utc) {
        const refreshToken = yield* opaqueToken
        yield* store.insertToken(sessionId, digestOf(refreshToken))
        const token = yield* signer.sign({
          subject: userId,
          audience,
          lifetime: tokenLifetime,
          claims: { sid: sessionId },
        })
        const expiresAt = DateTime.addDuration(DateTime.startOf(now, "second"), tokenLifetime)
        return { token: Redacted.make(token, { label: "token" }), refreshToken, expiresAt }
      })

      const open = Effect.fn("Sessions.open")(
        function* (userId: UserId) {
          const now = yield* DateTime.now
          const id = SessionId.make(yield* newId("ses"))
          yield* store.insert({ id, userId, expiresAt: idleUntil(now) })
          return yield* issue(id, userId, now)
        },
        sql.withTransaction,
        Effect.catchTag("SqlError", Effect.die),
      )

      // The refusals are values here, so that what they ended is committed.
      const exchange = Effect.fnUntraced(
        function* (refreshToken: Redacted.Redacted<string>) {
          const now = yield* DateTime.now
          const digest = digestOf(refreshToken)
          const found = yield* store.lockToken(digest)
          if (Option.isNone(found)) return new RefreshTokenUnknown()
          const { sessionId, userId } = found.value
          switch (judge(found.value, now)) {
            case "ended":
              return new SessionEnded({ sessionId })
            case "reused":
              yield* store.end(sessionId)
              return new RefreshTokenReused({ sessionId })
            case "rotate":
              yield* store.useToken(digest, idleUntil(now))
              return yield* issue(sessionId, userId, now)
          }
        },
        sql.withTransaction,
        Effect.catchTag("SqlError", Effect.die),
      )

      const refresh = Effect.fn("Sessions.refresh")((refreshToken: Redacted.Redacted<string>) =>
        Effect.flatMap(exchange(refreshToken), (outcome) =>
          "_tag" in outcome ? Effect.fail(outcome) : Effect.succeed(outcome),
        ),
      )

      return Sessions.of({ open, refresh, end: store.end, endAll: store.endAll })
    }),
  )
}

const digestOf = (token: Redacted.Redacted<string>) => sha256(Redacted.value(token))
