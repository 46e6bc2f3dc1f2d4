/** Pulling messages off a stream, one for each free worker, through all outages. */

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import type { Consumer, JsMsg } from "nats"
import { durableConsumer } from "./DurableConsumer.ts"
import { listeningConsumer } from "./ListeningConsumer.ts"
import { Nats } from "./Nats.ts"
import { type NatsMessage, natsMessage } from "./NatsMessage.ts"
import { NatsUnavailable } from "./NatsUnavailable.ts"
import type { StreamSettings } from "./StreamSettings.ts"

export interface NatsConsumerOptions {
  readonly stream: StreamSettings
  /**
   * The name under which the server remembers how far we are; processes of one name share the work. Unset: a consumer
   * of this process alone.
   */
  readonly durable?: string
  /** A message that is neither acknowledged nor refused after this time is delivered again. */
  readonly ackWait: Duration.Duration
  /** Without a name: how long before now the first message may have been published. Unset: it must be published from now on. */
  readonly since?: Duration.Duration
}

export interface NatsConsumer {
  /** The next message, however long that takes. Interrupting gives a message that comes too late back at once. */
  readonly next: Effect.Effect<NatsMessage>
}

/**
 * How long a pull stays open; after it, the same is asked again. A server that restarts forgets pulls, and one that is not
 * quite up drops them without a word: this is the longest that a worker then waits in vain.
 */
const pullMillis = 5000

/** One pull: a message, or null after `pullMillis` without one. */
const pull = (consumer: Consumer): Effect.Effect<JsMsg | null, NatsUnavailable> =>
  Effect.callback((resume) => {
    let wanted = true
    consumer.next({ expires: pullMillis, bind: true }).then(
      (message) => (wanted ? resume(Effect.succeed(message)) : message?.nak()),
      (cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : "the consumer is gone"
        if (wanted) resume(Effect.fail(new NatsUnavailable({ reason, concern: "stream" })))
      },
    )
    return Effect.sync(() => {
      wanted = false
    })
  })

/** The consumer, made when NATS is there, and made again when the server has lost it. */
export const makeNatsConsumer = (options: NatsConsumerOptions): Effect.Effect<NatsConsumer, never, Nats> =>
  Effect.gen(function* () {
    const nats = yield* Nats
    const { stream, durable, ackWait, since = Duration.zero } = options
    const { made, seen } =
      durable === undefined
        ? yield* listeningConsumer(nats, stream, ackWait, since)
        : { made: durableConsumer(nats, stream, durable, ackWait), seen: () => {} }
    const turn = yield* Semaphore.make(1)
    let current: Consumer | undefined

    const consumer: Effect.Effect<Consumer, NatsUnavailable> = Semaphore.withPermits(
      turn,
      1,
    )(
      Effect.suspend(() =>
        current === undefined
          ? Effect.tap(Effect.andThen(nats.ensureStream(stream), made), (fresh) =>
              Effect.sync(() => {
                current = fresh
              }),
            )
          : Effect.succeed(current),
      ),
    )

    const attempt: Effect.Effect<NatsMessage | undefined, NatsUnavailable> = Effect.gen(function* () {
      const from = yield* consumer
      const message = yield* Effect.tapError(pull(from), () =>
        Effect.sync(() => {
          if (current === from) current = undefined
        }),
      )
      if (message === null) return undefined
      seen(message)
      return natsMessage(message)
    })

    const next: Effect.Effect<NatsMessage> = attempt.pipe(
      Effect.tapError((error) => Effect.logDebug("waiting for messages", { reason: error.reason })),
      Effect.retry(Schedule.jittered(Schedule.spaced("300 millis"))),
      Effect.orDie,
      Effect.flatMap((message) => (message === undefined ? next : Effect.succeed(message))),
    )

    return { next }
  })
