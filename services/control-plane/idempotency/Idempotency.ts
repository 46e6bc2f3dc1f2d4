/** Requests that may be repeated: whoever sends the same one again within 24 hours is told what the first one was told. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { sha256 } from "#shared/crypto/digest.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { hourly } from "../sweep.ts"
import { IdempotencyStore, type RequestKey } from "./IdempotencyStore.ts"

/** The request id was used for another request. */
export class RequestIdReused extends Schema.TaggedError<RequestIdReused>()("RequestIdReused", {}) {}

export class Idempotency extends Context.Service<
  Idempotency,
  {
    /**
     * Runs `answer` and keeps its bytes, in one transaction with what it changes; a repeat gets the bytes and changes
     * nothing. A request that fails leaves no trace. Answers may hold secrets: they are kept sealed.
     */
    readonly once: <E, R>(
      key: RequestKey,
      request: Uint8Array,
      answer: Effect.Effect<Uint8Array, E, R>,
    ) => Effect.Effect<Uint8Array, E | RequestIdReused, R>
  }
>()("control-plane/Idempotency") {
  static readonly layer = Layer.effect(
    Idempotency,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* IdempotencyStore
      const sealer = yield* Sealer
      yield* hourly("answers of yesterday", store.sweep)

      const place = ({ caller, method, requestId }: RequestKey) => `idempotency/${caller}/${method}/${requestId}`
      const seal = (key: RequestKey, answer: Uint8Array) =>
        Effect.map(
          sealer.seal(Redacted.make(Buffer.from(answer).toString("base64")), place(key)),
          (text) => new Uint8Array(Buffer.from(text)),
        )
      const unseal = (key: RequestKey, kept: Uint8Array) =>
        Effect.map(
          sealer.open(Buffer.from(kept).toString(), place(key)),
          (text) => new Uint8Array(Buffer.from(Redacted.value(text), "base64")),
        )

      const repeated = Effect.fnUntraced(function* (key: RequestKey, digest: Uint8Array) {
        const { requestDigest, response } = yield* Effect.orDie(Effect.flatMap(store.find(key), Effect.fromOption))
        if (!Buffer.from(requestDigest).equals(digest)) return yield* new RequestIdReused()
        return yield* Effect.orDie(
          Effect.flatMap(Effect.fromOption(Option.fromNullishOr(response)), (kept) => unseal(key, kept)),
        )
      })

      return Idempotency.of({
        once: Effect.fn("Idempotency.once")(
          function* <E, R>(key: RequestKey, request: Uint8Array, answer: Effect.Effect<Uint8Array, E, R>) {
            const digest = sha256(request)
            if (!(yield* store.claim(key, digest))) return yield* repeated(key, digest)
            const bytes = yield* answer
            yield* store.answer(key, yield* seal(key, bytes))
            return bytes
          },
          (effect) => sql.withTransaction(Effect.mapError(effect, (failure) => ({ failure }))),
          Effect.catch((error) => ("failure" in error ? Effect.fail(error.failure) : Effect.die(error))),
        ),
      })
    }),
  )
}
