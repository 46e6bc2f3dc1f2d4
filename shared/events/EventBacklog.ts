/** How far this program is behind with its events: those it has to publish, to handle, and those it gave up. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { SqlError } from "effect/sql/SqlError"
import { type ConsumerLag, consumerLag } from "../nats/ConsumerLag.ts"
import { Nats } from "../nats/Nats.ts"
import { Consumers } from "./Consumers.ts"
import { type DeadLetterCount, DeadLetterStore } from "./DeadLetterStore.ts"
import { type OutboxBacklog, OutboxStore } from "./OutboxStore.ts"

export interface ConsumerBacklog {
  readonly consumer: string
  readonly stream: string
  readonly subject: string
  /** None while NATS is away, or has not seen the consumer yet. */
  readonly lag: Option.Option<ConsumerLag>
}

export interface Backlog {
  readonly outbox: OutboxBacklog
  /** Of the consumers that run in this process; their lag is that of all processes of the name. */
  readonly consumers: ReadonlyArray<ConsumerBacklog>
  /** Of all consumers, those that do not run any more too. */
  readonly deadLetters: ReadonlyArray<DeadLetterCount>
}

export class EventBacklog extends Context.Service<
  EventBacklog,
  {
    readonly read: Effect.Effect<Backlog, SqlError>
  }
>()("shared/events/EventBacklog") {
  static readonly layer = Layer.effect(
    EventBacklog,
    Effect.gen(function* () {
      const outbox = yield* OutboxStore
      const letters = yield* DeadLetterStore
      const consumers = yield* Consumers
      const nats = yield* Nats
      return EventBacklog.of({
        read: Effect.gen(function* () {
          const running = yield* Effect.forEach(yield* consumers.all, ({ durable, stream }) =>
            Effect.map(Effect.option(consumerLag(nats, stream, durable)), (lag) => ({
              consumer: durable,
              stream: stream.name,
              subject: stream.subject,
              lag,
            })),
          )
          return { outbox: yield* outbox.backlog, consumers: running, deadLetters: yield* letters.counts }
        }).pipe(Effect.withSpan("EventBacklog.read")),
      })
    }),
  ).pipe(Layer.provide(OutboxStore.layer))
}
