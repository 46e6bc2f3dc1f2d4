import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import { consumerLag } from "../nats/ConsumerLag.ts"
import { Nats } from "../nats/Nats.ts"
import type { StreamSettings } from "../nats/StreamSettings.ts"
import { consumerOldest, consumerPending } from "./EventMetrics.ts"

/** Keeps the metrics of a consumer's lag up to date, for ever; while NATS is away they stay as they are. */
export const observeLag = Effect.fnUntraced(function* (stream: StreamSettings, durable: string) {
  const nats = yield* Nats
  yield* consumerLag(nats, stream, durable).pipe(
    Effect.tap(({ pending, inFlight }) => Metric.update(consumerPending(durable, stream.subject), pending + inFlight)),
    Effect.tap(({ oldestSeconds }) => Metric.update(consumerOldest(durable, stream.subject), oldestSeconds)),
    Effect.ignore,
    Effect.repeat(Schedule.spaced("10 seconds")),
  )
})
