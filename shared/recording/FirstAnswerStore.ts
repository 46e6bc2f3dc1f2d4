/** Rows of `idempotency`: first answers, sealed by whoever keeps them here. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** Which request, of whom. */
export interface RequestKey {
  readonly caller: string
  /** Full rpc name. */
  readonly rpc: string
  /** The idempotency key that came with the request. */
  readonly requestId: string
}

export interface SealedAnswer {
  readonly requestDigest: Uint8Array
  readonly response: Uint8Array
}

/** The name of our advisory locks: arbitrary, but nobody else's. */
const lockSeed = 0x69646d

export class FirstAnswerStore extends Context.Service<
  FirstAnswerStore,
  {
    /** Whether nobody else runs a request of this key; until the transaction ends nobody else does then. */
    readonly tryLock: (key: RequestKey) => Effect.Effect<boolean, SqlError>
    /** What was kept under the key, if its time is not over. */
    readonly find: (key: RequestKey) => Effect.Effect<Option.Option<SealedAnswer>, SqlError>
    /** Keeps an answer for 24 hours, in place of one whose time is over. */
    readonly keep: (key: RequestKey, answer: SealedAnswer) => Effect.Effect<void, SqlError>
    /** Forgets what is older. */
    readonly sweep: Effect.Effect<void, SqlError>
  }
>()("shared/recording/FirstAnswerStore") {
  static readonly layer = Layer.effect(
    FirstAnswerStore,
    Effect.map(SqlClient.SqlClient, (sql) =>
      FirstAnswerStore.of({
        tryLock: ({ caller, rpc, requestId }) =>
          Effect.map(
            sql<{ readonly mine: boolean }>`
              SELECT pg_try_advisory_xact_lock(
                hashtextextended(${JSON.stringify([caller, rpc, requestId])}::text, ${lockSeed}::bigint)
              ) AS mine`,
            ([row]) => row?.mine === true,
          ),
        find: ({ caller, rpc, requestId }) =>
          Effect.map(
            sql<SealedAnswer>`
              SELECT request_digest, response FROM idempotency
              WHERE caller = ${caller} AND method = ${rpc} AND request_id = ${requestId}
                AND response IS NOT NULL AND expires_at > now()`,
            ([row]) => Option.fromUndefinedOr(row),
          ),
        keep: ({ caller, rpc, requestId }, { requestDigest, response }) =>
          Effect.asVoid(sql`
            INSERT INTO idempotency (caller, method, request_id, request_digest, response)
            VALUES (${caller}, ${rpc}, ${requestId}, ${requestDigest}, ${response})
            ON CONFLICT (caller, method, request_id) DO UPDATE
              SET request_digest = excluded.request_digest, response = excluded.response,
                created_at = excluded.created_at, expires_at = excluded.expires_at`),
        sweep: Effect.asVoid(sql`DELETE FROM idempotency WHERE expires_at <= now()`),
      }),
    ),
  )
}
