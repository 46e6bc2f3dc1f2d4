/** What operators do with events that were given up: look at them, send them once more, or forget them. */
import { toJsonString } from "@bufbuild/protobuf"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { SqlError } from "effect/sql/SqlError"
import { Nats } from "../nats/Nats.ts"
import type { NatsUnavailable } from "../nats/NatsUnavailable.ts"
import { Consumers, type RunningConsumer } from "./Consumers.ts"
import {
  ConsumerGone,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterHead,
  type DeadLetterKey,
  type DeadLetterNotFound,
  replayId,
} from "./DeadLetter.ts"
import { type DeadLetterCursor, DeadLetterStore } from "./DeadLetterStore.ts"
import { decode } from "./handling.ts"
import { eventIdHeader, replayForHeader } from "./headers.ts"

export interface DeadLetterPage {
  readonly letters: ReadonlyArray<DeadLetterHead>
  /** The last of them, where more follow. */
  readonly next: Option.Option<DeadLetterCursor>
}

/** A letter, and its message as JSON where its consumer runs here and can read it. */
export interface OpenedLetter {
  readonly letter: DeadLetter
  readonly json: Option.Option<string>
}

export interface Replayed {
  readonly replayed: number
  /** Letters of then that are still there: beyond the limit, or nobody here would handle them, or NATS went away. */
  readonly left: number
}

export class DeadLetters extends Context.Service<
  DeadLetters,
  {
    /** Newest first. */
    readonly list: (
      filter: DeadLetterFilter,
      after: DeadLetterCursor | undefined,
      limit: number,
    ) => Effect.Effect<DeadLetterPage, SqlError>
    readonly open: (key: DeadLetterKey) => Effect.Effect<OpenedLetter, DeadLetterNotFound | SqlError>
    /**
     * Puts the event back on its subject, at the end, for the consumer that gave it up and nobody else; the letter is
     * gone then. It is the same event: what the inbox noted as handled is not run again. If it fails again it is given up
     * again, with its new reason.
     */
    readonly replay: (
      key: DeadLetterKey,
    ) => Effect.Effect<void, DeadLetterNotFound | ConsumerGone | NatsUnavailable | SqlError>
    /** Replays the letters there are now, oldest first, `limit` at most. Fails where not even one could be. */
    readonly replayAll: (filter: DeadLetterFilter, limit: number) => Effect.Effect<Replayed, NatsUnavailable | SqlError>
    /** Forgets a letter, for ever; whether there was one. */
    readonly dismiss: (key: DeadLetterKey) => Effect.Effect<boolean, SqlError>
  }
>()("shared/events/DeadLetters") {
  static readonly layer = Layer.effect(
    DeadLetters,
    Effect.gen(function* () {
      const store = yield* DeadLetterStore
      const consumers = yield* Consumers
      const nats = yield* Nats

      const consumerOf = ({ consumer, subject }: DeadLetterHead): Effect.Effect<Option.Option<RunningConsumer>> =>
        Effect.map(consumers.all, (running) =>
          Option.fromUndefinedOr(running.find((each) => each.durable === consumer && each.stream.subject === subject)),
        )

      const republish = Effect.fnUntraced(function* (letter: DeadLetter) {
        const { consumer, messageId, subject } = letter
        const found = yield* consumerOf(letter)
        if (Option.isNone(found)) return yield* new ConsumerGone({ consumer, subject })
        const { stream } = found.value
        yield* nats.ensureStream(stream)
        yield* nats.publish(subject, letter.payload, {
          id: replayId(letter),
          headers: { ...letter.headers, [eventIdHeader]: messageId, [replayForHeader]: consumer },
          stream: stream.name,
        })
      })

      const replay = Effect.fn("DeadLetters.replay")((key: DeadLetterKey) => store.take(key, republish))

      return DeadLetters.of({
        list: Effect.fn("DeadLetters.list")(function* (filter, after, limit) {
          const found = yield* store.list(filter, after, limit + 1)
          const letters = found.slice(0, limit)
          return { letters, next: Option.fromUndefinedOr(found.length > limit ? letters.at(-1) : undefined) }
        }),

        open: Effect.fn("DeadLetters.open")(function* (key) {
          const letter = yield* store.get(key)
          return { letter, json: Option.flatMap(yield* consumerOf(letter), ({ schema }) => jsonOf(schema, letter)) }
        }),

        replay,

        replayAll: Effect.fn("DeadLetters.replayAll")(function* (filter, limit) {
          const now = yield* store.now
          const keys = yield* store.oldest(filter, now, limit)
          let replayed = 0
          for (const key of keys) {
            const outcome = yield* Effect.result(replay(key))
            if (outcome._tag === "Success") replayed++
            // Somebody else was faster, or nobody here would handle it: that is no reason not to go on.
            else if (outcome.failure._tag === "DeadLetterNotFound" || outcome.failure._tag === "ConsumerGone") continue
            else if (replayed === 0) return yield* Effect.fail(outcome.failure)
            else break
          }
          return { replayed, left: yield* store.count(filter, now) }
        }),

        dismiss: Effect.fn("DeadLetters.dismiss")((key) => store.remove(key)),
      })
    }),
  )
}

const jsonOf = (schema: RunningConsumer["schema"], { payload }: DeadLetter): Option.Option<string> =>
  Option.flatMap(decode(schema, payload), (message) => Option.liftThrowable(() => toJsonString(schema, message))())
