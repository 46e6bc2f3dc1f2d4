/** Rows of `idempotency`: first answers, sealed by whoever keeps them here. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { first, run } from "../rows.ts"

/** Which request, of whom. */
export interface RequestKey {
  readonly caller: string
  readonly method: string
  readonly requestId: string
}

export const FirstAnswer = Schema.Struct({
  requestDigest: Schema.Uint8Array,
  response: Schema.NullOr(Schema.Uint8Array),
})
export type FirstAnswer = typeof FirstAnswer.Type

export class IdempotencyStore extends Context.Service<
  IdempotencyStore,
  {
    /**
     * Whether this is the first request of its key within 24 hours. A second one waits for the transaction of the first
     * and is only then told no; where the first failed, it is the first.
     */
    readonly claim: (key: RequestKey, requestDigest: Uint8Array) => Effect.Effect<boolean>
    readonly find: (key: RequestKey) => Effect.Effect<Option.Option<FirstAnswer>>
    readonly answer: (key: RequestKey, response: Uint8Array) => Effect.Effect<void>
    /** Forgets what is older than 24 hours. */
    readonly sweep: Effect.Effect<void>
  }
>()("control-plane/IdempotencyStore") {
  static readonly layer = Layer.effect(
    IdempotencyStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const answers = first(FirstAnswer)
      const at = ({ caller, method, requestId }: RequestKey) =>
        sql`caller = ${caller} AND method = ${method} AND request_id = ${requestId}`
      return IdempotencyStore.of({
        claim: ({ caller, method, requestId }, requestDigest) =>
          Effect.map(
            Effect.orDie(sql`
              INSERT INTO idempotency AS known (caller, method, request_id, request_digest)
              VALUES (${caller}, ${method}, ${requestId}, ${requestDigest})
              ON CONFLICT (caller, method, request_id) DO UPDATE
                SET request_digest = excluded.request_digest, response = NULL, created_at = excluded.created_at,
                  expires_at = excluded.expires_at
                WHERE known.expires_at < now()
              RETURNING 1`),
            (rows) => rows.length > 0,
          ),
        find: (key) => answers(sql`SELECT request_digest, response FROM idempotency WHERE ${at(key)}`),
        answer: (key, response) => run(sql`UPDATE idempotency SET response = ${response} WHERE ${at(key)}`),
        sweep: run(sql`DELETE FROM idempotency WHERE expires_at < now()`),
      })
    }),
  )
}
