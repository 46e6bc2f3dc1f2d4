/** Rows of `dashboard_sessions` and their `refresh_tokens`, which are known by digest only. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import { toDateUtc } from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { first, run } from "../rows.ts"
import { PresentedToken, type SessionId } from "./Session.ts"
import type { UserId } from "./User.ts"

export class SessionStore extends Context.Service<
  SessionStore,
  {
    readonly insert: (session: {
      readonly id: SessionId
      readonly userId: UserId
      readonly expiresAt: DateTime.Utc
    }) => Effect.Effect<void>
    readonly insertToken: (sessionId: SessionId, digest: Uint8Array) => Effect.Effect<void>
    /** The token and its session, both held until the transaction ends. */
    readonly lockToken: (digest: Uint8Array) => Effect.Effect<Option.Option<PresentedToken>>
    /** Marks the token as used, and the session as alive until then. */
    readonly useToken: (digest: Uint8Array, expiresAt: DateTime.Utc) => Effect.Effect<void>
    readonly end: (id: SessionId) => Effect.Effect<void>
    readonly endAll: (userId: UserId) => Effect.Effect<void>
    /** Deletes sessions that have been over for a month, with their tokens. */
    readonly sweep: Effect.Effect<void>
  }
>()("control-plane/SessionStore") {
  static readonly layer = Layer.effect(
    SessionStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const presented = first(PresentedToken)
      return SessionStore.of({
        insert: ({ id, userId, expiresAt }) =>
          run(sql`
            INSERT INTO dashboard_sessions (id, user_id, expires_at) VALUES (${id}, ${userId}, ${toDateUtc(expiresAt)})`),
        insertToken: (sessionId, digest) =>
          run(sql`INSERT INTO refresh_tokens (digest, session_id) VALUES (${digest}, ${sessionId})`),
        lockToken: (digest) =>
          presented(sql`
            SELECT session.id AS session_id, session.user_id, token.used_at IS NOT NULL AS used,
              session.ended_at IS NOT NULL AS ended, session.expires_at
            FROM refresh_tokens AS token
            JOIN dashboard_sessions AS session ON session.id = token.session_id
            WHERE token.digest = ${digest}
            FOR UPDATE`),
        useToken: (digest, expiresAt) =>
          run(sql`
            WITH used AS (
              UPDATE refresh_tokens SET used_at = now() WHERE digest = ${digest} RETURNING session_id
            )
            UPDATE dashboard_sessions AS session SET expires_at = ${toDateUtc(expiresAt)}
            FROM used WHERE session.id = used.session_id`),
        end: (id) => run(sql`UPDATE dashboard_sessions SET ended_at = now() WHERE id = ${id} AND ended_at IS NULL`),
        endAll: (userId) =>
          run(sql`UPDATE dashboard_sessions SET ended_at = now() WHERE user_id = ${userId} AND ended_at IS NULL`),
        sweep: run(sql`
          DELETE FROM dashboard_sessions
          WHERE expires_at < now() - interval '30 days' OR ended_at < now() - interval '30 days'`),
      })
    }),
  )
}
