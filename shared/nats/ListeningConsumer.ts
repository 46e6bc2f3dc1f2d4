/**
 * A consumer of one process alone: it sees all news since a moment, in order. The server forgets it when the process is
 * away for long; then it is made anew and goes on after the last message that was seen.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { AckPolicy, type Consumer, DeliverPolicy, type JsMsg, nanos, type StreamInfo } from "nats"
import { ackSettings } from "./ackSettings.ts"
import type { Nats } from "./Nats.ts"
import { storedAt } from "./NatsMessage.ts"
import type { NatsUnavailable } from "./NatsUnavailable.ts"
import type { StreamSettings } from "./StreamSettings.ts"

/** How long the server keeps the consumer while its process is away. */
const inactiveMillis = 300_000

/** The last message that was seen, or before the first one the moment to begin with. */
interface Place {
  /** Epoch milliseconds. */
  readonly time: number
  /** The stream's own date of birth, and the sequence there. */
  readonly seen?: { readonly created: string; readonly sequence: number }
}

/** Sequences mean something in the stream that gave them only; in one that was made anew, all since then is news. */
const startAt = ({ time, seen }: Place, { created, state }: StreamInfo) =>
  seen !== undefined && seen.created === created && seen.sequence <= state.last_seq
    ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: seen.sequence + 1 }
    : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(time).toISOString() }

/** Whether messages may have gone, too old or displaced, before they were seen. */
const mayHaveMissed = ({ seen }: Place, { created, config, state }: StreamInfo): boolean =>
  seen !== undefined && seen.created === created && config.subjects.length === 1 && state.first_seq > seen.sequence + 1

export interface ListeningConsumer {
  /** Makes the consumer for what has not been seen yet. */
  readonly made: Effect.Effect<Consumer, NatsUnavailable>
  /** The message was handed out: it is not news any more. */
  readonly seen: (message: JsMsg) => void
}

/** Begins with what was published `since` before now. */
export const listeningConsumer = Effect.fnUntraced(function* (
  nats: Nats["Service"],
  { name: stream, subject }: StreamSettings,
  ackWait: Duration.Duration,
  since: Duration.Duration,
): Effect.fn.Return<ListeningConsumer> {
  let place: Place = { time: (yield* Clock.currentTimeMillis) - Duration.toMillis(since) }
  let created = ""
  return {
    made: Effect.gen(function* () {
      const info = yield* nats.use(({ manager }) => manager.streams.info(stream))
      if (mayHaveMissed(place, info)) yield* Effect.logError("news are gone before they were seen", { subject })
      const added = yield* nats.use(({ manager }) =>
        manager.consumers.add(stream, {
          ...ackSettings(ackWait),
          ...startAt(place, info),
          filter_subject: subject,
          ack_policy: AckPolicy.Explicit,
          inactive_threshold: nanos(inactiveMillis),
        }),
      )
      created = info.created
      return yield* nats.use(async ({ client }) => client.consumers.getPullConsumerFor(added))
    }),
    seen: (message) => {
      place = { time: storedAt(message), seen: { created, sequence: message.seq } }
    },
  }
})
