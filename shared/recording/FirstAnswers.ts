/**
 * Requests that may be repeated: whoever sends the same one again within 24 hours is told what the first one was told.
 *
 * Both the answer and the digest of the request are kept sealed, since an answer may hold a new key, and a request a
 * password: who has the table alone can neither read the one nor guess at the other.
 *
 * Callers without an identity of their own (anybody, or everybody who has the public key of an application) share their
 * idempotency keys. A stranger who guesses one learns at most that it was used: the answer goes to who sends the whole
 * request again, password included.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { constantTimeEqual, sha256 } from "../crypto/digest.ts"
import { Sealer } from "../crypto/Sealer.ts"
import { Aborted, FailedPrecondition } from "../rpc/PublicError.ts"
import { FirstAnswerStore, type RequestKey } from "./FirstAnswerStore.ts"

/** A request under its key, with all that it says. */
export interface KeyedRequest {
  readonly key: RequestKey
  readonly content: string
}

export class FirstAnswers extends Context.Service<
  FirstAnswers,
  {
    /** The answer to this request, if there was one within 24 hours; refused where the key was another request's. */
    readonly find: (request: KeyedRequest) => Effect.Effect<Option.Option<Uint8Array>, FailedPrecondition>
    /**
     * Takes the key until the transaction ends; refused at once while another request has it. Only who looks with `find`
     * after this knows that there is no answer.
     */
    readonly claim: (request: KeyedRequest) => Effect.Effect<void, Aborted>
    /** Keeps an answer, in the transaction that has claimed its key. */
    readonly keep: (request: KeyedRequest, answer: Uint8Array) => Effect.Effect<void>
  }
>()("shared/recording/FirstAnswers") {
  static readonly layer = Layer.effect(
    FirstAnswers,
    Effect.gen(function* () {
      const store = yield* FirstAnswerStore
      const sealer = yield* Sealer
      yield* store.sweep.pipe(Effect.ignore, Effect.repeat(Schedule.spaced("1 hour")), Effect.forkScoped)

      const seal = (text: string, place: string) =>
        Effect.map(sealer.seal(Redacted.make(text), place), (sealed) => new Uint8Array(Buffer.from(sealed)))
      // What does not open was sealed with a key that is gone: nobody can say whether it is the same request.
      const open = (bytes: Uint8Array, place: string) =>
        Effect.mapBoth(sealer.open(Buffer.from(bytes).toString(), place), {
          onSuccess: Redacted.value,
          onFailure: () => reused,
        })

      return FirstAnswers.of({
        find: Effect.fnUntraced(function* ({ key, content }) {
          const found = yield* Effect.orDie(store.find(key))
          if (Option.isNone(found)) return Option.none()
          const { requestDigest, response } = found.value
          if (!constantTimeEqual(yield* open(requestDigest, placeOf(key, "request")), digestOf(content))) {
            return yield* reused
          }
          const answer = yield* open(response, placeOf(key, "answer"))
          return Option.some(new Uint8Array(Buffer.from(answer, "base64")))
        }),
        claim: ({ key }) =>
          Effect.flatMap(Effect.orDie(store.tryLock(key)), (mine) => (mine ? Effect.void : Effect.fail(inProgress))),
        keep: Effect.fnUntraced(function* ({ key, content }, answer) {
          const requestDigest = yield* seal(digestOf(content), placeOf(key, "request"))
          const response = yield* seal(Buffer.from(answer).toString("base64"), placeOf(key, "answer"))
          yield* Effect.orDie(store.keep(key, { requestDigest, response }))
        }),
      })
    }),
  ).pipe(Layer.provide(FirstAnswerStore.layer))
}

const digestOf = (content: string): string => sha256(content).toString("hex")

const placeOf = ({ caller, rpc, requestId }: RequestKey, what: "request" | "answer"): string =>
  JSON.stringify(["idempotency", caller, rpc, requestId, what])

const reused = new FailedPrecondition({
  reason: "REQUEST_ID_REUSED",
  message: "another request was made with this idempotency key within the last 24 hours",
})

const inProgress = new Aborted({
  reason: "REQUEST_IN_PROGRESS",
  message: "the first request with this idempotency key is still running",
  retryAfterMs: 1000,
})
