/** Rows of `sessions` and `refresh_tokens`. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlSchema from "effect/sql/SqlSchema"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { Page } from "../users/Page.ts"
import type { UserId } from "../users/User.ts"
import { type ClientInfo, Session, type SessionEnd, SessionId } from "./Session.ts"

export interface NewSession {
  readonly id: SessionId
  readonly userId: UserId
  readonly client: ClientInfo
  readonly lifetime: Duration.Duration
  readonly refreshSecret: Uint8Array
  /** Of the first refresh token. */
  readonly digest: Uint8Array
}

/** A refresh token that was shown, and its session. */
export interface FamilyMember {
  readonly sessionId: SessionId
  readonly userId: UserId
  readonly refreshSecret: Uint8Array
  readonly generation: number
  /** Null: not exchanged yet. */
  readonly usedMillisAgo: number | null
  readonly childUsed: boolean
  /** Session and account can be used. */
  readonly live: boolean
}

export interface Exchange {
  readonly member: FamilyMember
  readonly digest: Uint8Array
  readonly nextDigest: Uint8Array
  readonly lifetime: Duration.Duration
}

export class SessionStore extends Context.Service<
  SessionStore,
  {
    readonly insert: (session: NewSession) => Effect.Effect<void, DatabaseFailed>
    /** A session that has not ended, of an account that may be used. */
    readonly findLive: (id: SessionId) => Effect.Effect<Option.Option<Session>, DatabaseFailed>
    /** The live sessions of a user, the last used first. */
    readonly list: (userId: UserId, page: Page) => Effect.Effect<ReadonlyArray<Session>, DatabaseFailed>
    readonly count: (userId: UserId) => Effect.Effect<number, DatabaseFailed>
    /** Whether the session is, or was, the user's. */
    readonly isOf: (userId: UserId, id: SessionId) => Effect.Effect<boolean, DatabaseFailed>
    /** The session that a refresh token belongs to. */
    readonly findByDigest: (digest: Uint8Array) => Effect.Effect<Option.Option<SessionId>, DatabaseFailed>
    /** The refresh token of this digest; until the transaction ends nobody else exchanges one of its session. */
    readonly lockFamily: (digest: Uint8Array) => Effect.Effect<Option.Option<FamilyMember>, DatabaseFailed>
    /** Marks a token as used, adds the next one, and prolongs the session. */
    readonly exchange: (exchange: Exchange) => Effect.Effect<void, DatabaseFailed>
    /** Ends a session and says whose it was; none where it had ended before. */
    readonly end: (id: SessionId, why: SessionEnd) => Effect.Effect<Option.Option<UserId>, DatabaseFailed>
    /** Ends all sessions of a user, but one that is to go on, and says which. */
    readonly endAll: (
      userId: UserId,
      why: SessionEnd,
      except?: SessionId,
    ) => Effect.Effect<ReadonlyArray<SessionId>, DatabaseFailed>
    /** Deletes what was over, or used, longer ago. */
    readonly sweep: (olderThan: Duration.Duration) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/SessionStore") {
  static readonly layer = Layer.effect(
    SessionStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const after = (lifetime: Duration.Duration) =>
        sql`now() + make_interval(secs => ${Duration.toSeconds(lifetime)}::float8)`
      const longAgo = (age: Duration.Duration) => sql`now() - make_interval(secs => ${Duration.toSeconds(age)}::float8)`

      const findLive = SqlSchema.findOneOption({
        Request: SessionId,
        Result: Session,
        execute: (id) => sql`
          SELECT s.id, s.user_id, s.created_at, s.last_used_at, s.expires_at, s.ip_address, s.user_agent
          FROM sessions s JOIN users u ON u.id = s.user_id
          WHERE s.id = ${id}::uuid AND s.ended_at IS NULL AND s.expires_at > now()
            AND u.is_active AND u.deleted_at IS NULL`,
      })

      const liveOf = (userId: UserId) => sql`user_id = ${userId}::uuid AND ended_at IS NULL AND expires_at > now()`

      const list = SqlSchema.findAll({
        Request: Schema.Any,
        Result: Session,
        execute: ({ userId, page: { page, pageSize } }: { readonly userId: UserId; readonly page: Page }) => sql`
          SELECT id, user_id, created_at, last_used_at, expires_at, ip_address, user_agent
          FROM sessions WHERE ${liveOf(userId)}
          ORDER BY last_used_at DESC, id DESC
          LIMIT ${pageSize}::int OFFSET ${(page - 1) * pageSize}::int`,
      })

      const lockFamily = Effect.fnUntraced(function* (digest: Uint8Array) {
        // Two statements: one that waits for a lock reads everything else as it was before it began to wait.
        yield* sql`
          SELECT 1 FROM sessions
          WHERE id = (SELECT session_id FROM refresh_tokens WHERE digest = ${digest}::bytea)
          FOR UPDATE`
        const [member] = yield* sql<FamilyMember>`
          SELECT s.id AS session_id, s.user_id, s.refresh_secret, t.generation,
            (extract(epoch FROM clock_timestamp() - t.used_at) * 1000)::float8 AS used_millis_ago,
            coalesce(child.used_at IS NOT NULL, false) AS child_used,
            s.ended_at IS NULL AND s.expires_at > now() AND u.is_active AND u.deleted_at IS NULL AS live
          FROM refresh_tokens t
          JOIN sessions s ON s.id = t.session_id
          JOIN users u ON u.id = s.user_id
          LEFT JOIN refresh_tokens child ON child.session_id = t.session_id AND child.generation = t.generation + 1
          WHERE t.digest = ${digest}::bytea`
        return Option.fromUndefinedOr(member)
      })

      const exchange = Effect.fnUntraced(function* ({ member, digest, nextDigest, lifetime }: Exchange) {
        yield* sql`UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE digest = ${digest}::bytea`
        yield* sql`
          INSERT INTO refresh_tokens (digest, session_id, generation)
          VALUES (${nextDigest}::bytea, ${member.sessionId}::uuid, ${member.generation + 1}::int)`
        yield* sql`
          UPDATE sessions SET last_used_at = now(), expires_at = ${after(lifetime)}
          WHERE id = ${member.sessionId}::uuid`
      })

      return SessionStore.of({
        insert: ({ id, userId, client, lifetime, refreshSecret, digest }) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              WITH session AS (
                INSERT INTO sessions (id, user_id, refresh_secret, ip_address, user_agent, expires_at)
                VALUES (${id}::uuid, ${userId}::uuid, ${refreshSecret}::bytea, ${client.ipAddress}, ${client.userAgent},
                  ${after(lifetime)})
                RETURNING id
              )
              INSERT INTO refresh_tokens (digest, session_id, generation) SELECT ${digest}::bytea, id, 0 FROM session`),
          ),
        findLive: (id) => orDatabaseFailed(findLive(id)),
        list: (userId, page) => orDatabaseFailed(list({ userId, page })),
        count: (userId) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly count: number }>`SELECT count(*)::int AS count FROM sessions WHERE ${liveOf(userId)}`,
              ([row]) => row?.count ?? 0,
            ),
          ),
        isOf: (userId, id) =>
          orDatabaseFailed(
            Effect.map(
              sql`SELECT 1 FROM sessions WHERE id = ${id}::uuid AND user_id = ${userId}::uuid`,
              (rows) => rows.length > 0,
            ),
          ),
        findByDigest: (digest) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly sessionId: SessionId }>`
                SELECT session_id FROM refresh_tokens WHERE digest = ${digest}::bytea`,
              ([row]) => Option.map(Option.fromUndefinedOr(row), ({ sessionId }) => sessionId),
            ),
          ),
        lockFamily: (digest) => orDatabaseFailed(lockFamily(digest)),
        exchange: (step) => orDatabaseFailed(exchange(step)),
        end: (id, why) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly userId: UserId }>`
                UPDATE sessions SET ended_at = now(), end_reason = ${why}
                WHERE id = ${id}::uuid AND ended_at IS NULL
                RETURNING user_id`,
              ([row]) => Option.map(Option.fromUndefinedOr(row), ({ userId }) => userId),
            ),
          ),
        endAll: (userId, why, except) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly id: SessionId }>`
                UPDATE sessions SET ended_at = now(), end_reason = ${why}
                WHERE user_id = ${userId}::uuid AND ended_at IS NULL AND id IS DISTINCT FROM ${except ?? null}::uuid
                RETURNING id`,
              (rows) => rows.map(({ id }) => id),
            ),
          ),
        sweep: (olderThan) =>
          orDatabaseFailed(
            Effect.andThen(
              // One that ended before its time goes when that time is long over as well.
              sql`DELETE FROM sessions WHERE expires_at < ${longAgo(olderThan)}`,
              Effect.asVoid(sql`DELETE FROM refresh_tokens WHERE used_at < ${longAgo(olderThan)}`),
            ),
          ),
      })
    }),
  )
}
