/** What makes "at least once" into "once": a note of each message that was handled, in the transaction that handled it. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { Consumers } from "./Consumers.ts"
import { DeadLetterStore } from "./DeadLetterStore.ts"
import { InboxStore } from "./InboxStore.ts"
import { observeDeadLetters } from "./observeDeadLetters.ts"

/** The consumer that a handler runs for: its notes are its own. */
export const CurrentConsumer = Context.Reference<string>("shared/events/CurrentConsumer", {
  defaultValue: () => "",
})

/** A message is never delivered again after its stream's longest age; this is more. */
const keep = Duration.days(30)

const make = Effect.gen(function* () {
  const store = yield* InboxStore
  yield* store.sweep(keep).pipe(Effect.ignore, Effect.repeat(Schedule.spaced("1 hour")), Effect.forkScoped)
  return Inbox.of({
    once: Effect.fnUntraced(function* <A, E, R>(messageId: string, effect: Effect.Effect<A, E, R>) {
      const consumer = yield* CurrentConsumer
      // The effect's own failures pass through as values, so that only the database's become defects.
      const handled = yield* store
        .once(
          consumer,
          messageId,
          Effect.mapError(effect, (failure) => ({ failure })),
        )
        .pipe(Effect.catch((error) => ("failure" in error ? Effect.fail(error.failure) : Effect.die(error))))
      return Option.map(Option.fromNullishOr(handled), ({ value }) => value)
    }),
  })
})

export class Inbox extends Context.Service<
  Inbox,
  {
    /**
     * Runs the effect in a transaction that also notes the message as handled by this consumer: none if it was handled
     * before, and then nothing runs. If the effect fails, neither happened. A database that fails is a defect, and the
     * message comes again.
     */
    readonly once: <A, E, R>(messageId: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<Option.Option<A>, E, R>
  }
>()("shared/events/Inbox") {
  /** With all else that consumers need of this process: where they give events up, and the list of them. */
  static readonly layer = Layer.mergeAll(
    Layer.provide(Layer.effect(Inbox, make), InboxStore.layer),
    Layer.effectDiscard(Effect.forkScoped(observeDeadLetters)),
    Consumers.layer,
  ).pipe(Layer.provideMerge(DeadLetterStore.layer))
}
