/** How far the processes of a durable consumer are behind what was published. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Nats } from "./Nats.ts"
import type { NatsUnavailable } from "./NatsUnavailable.ts"
import type { StreamSettings } from "./StreamSettings.ts"

export interface ConsumerLag {
  /** Messages that nobody has been given yet. */
  readonly pending: number
  /** Messages that somebody is at, or that wait to be tried again. */
  readonly inFlight: number
  /** Of these, the ones that were delivered more than once. */
  readonly redelivered: number
  /** Age of the oldest message that is not done; 0 where all are. */
  readonly oldestSeconds: number
}

/** JetStream's `JSNoMessageFoundErr`. */
const noMessageFound = 10_037

/** Read from the server; fails while it is away, or knows no such consumer. */
export const consumerLag = Effect.fnUntraced(function* (
  nats: Nats["Service"],
  { name, subject }: Pick<StreamSettings, "name" | "subject">,
  durable: string,
): Effect.fn.Return<ConsumerLag, NatsUnavailable> {
  const info = yield* nats.use(({ manager }) => manager.consumers.info(name, durable))
  const lag = { pending: info.num_pending, inFlight: info.num_ack_pending, redelivered: info.num_redelivered }
  if (lag.pending + lag.inFlight === 0) return { ...lag, oldestSeconds: 0 }
  // What is done is below the floor; in a work queue it is gone besides.
  const oldest = { seq: info.ack_floor.stream_seq + 1, next_by_subj: subject }
  const time = yield* nats
    .use(({ manager }) => manager.streams.getMessage(name, oldest))
    .pipe(
      Effect.map((message) => message.time.getTime()),
      Effect.catchIf(
        ({ code }) => code === noMessageFound,
        () => Clock.currentTimeMillis,
      ),
    )
  return { ...lag, oldestSeconds: Math.max(0, ((yield* Clock.currentTimeMillis) - time) / 1000) }
})
