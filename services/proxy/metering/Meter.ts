/**
 * Usage on its way to billing: off the path of requests, in memory, in batches. A batch keeps its id until JetStream has
 * it, so that sent twice it counts once; only when NATS is away for so long that the ring is full are requests not counted.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import { RequestBatchSchema } from "#gen/authsome/proxy/v1/events_pb.ts"
import { eventContract } from "#shared/events/EventContract.ts"
import { Nats } from "#shared/nats/Nats.ts"
import { ProxyInstance } from "../stats/ProxyInstance.ts"
import { batchId, encodeBatch, toBatch } from "./proto.ts"
import { makeRing } from "./Ring.ts"
import type { ServedRequest } from "./ServedRequest.ts"

export interface MeterOptions {
  /** How long a request waits at most before it is sent on. */
  readonly interval: Duration.Duration
  /** How long a stop may take to send what is left. */
  readonly stopWithin: Duration.Duration
  /** How many requests may wait. Unset: 100,000. */
  readonly capacity?: number
}

export interface MeterFigures {
  readonly waiting: number
  readonly published: number
  readonly dropped: number
}

export class Meter extends Context.Service<
  Meter,
  {
    /** Notes a request. Never waits. */
    readonly record: (request: ServedRequest) => void
    readonly figures: () => MeterFigures
  }
>()("proxy/metering/Meter") {
  /** Sends what it has when its scope closes. */
  static readonly layer = (options: MeterOptions) => Layer.effect(Meter, make(options))
}

const waitingEvents = Metric.gauge("authsome_proxy_meter_waiting_events", {
  description: "Served requests that billing has not been told of yet",
})
const publishedEvents = Metric.counter("authsome_proxy_meter_published_events_total", {
  description: "Served requests that billing was told of",
  incremental: true,
})
const droppedEvents = Metric.counter("authsome_proxy_meter_dropped_events_total", {
  description: "Served requests that billing will never hear of: more waited than there was room for",
  incremental: true,
})

const batchSize = 500
const defaultCapacity = 100_000

interface Batch {
  readonly id: string
  readonly bytes: Uint8Array
  readonly size: number
}

const make = Effect.fnUntraced(function* ({ interval, stopWithin, capacity = defaultCapacity }: MeterOptions) {
  const nats = yield* Nats
  const proxyInstance = yield* ProxyInstance
  const context = yield* Effect.context()
  const stream = eventContract(RequestBatchSchema)
  const ring = makeRing<ServedRequest>(capacity)
  const full = yield* Latch.make()
  let sequence = 0
  let published = 0
  let current: Batch | undefined
  let streamExists = false

  const waiting = () => ring.size + (current?.size ?? 0)

  /** The batch that is to be sent: the one that could not be, or a new one of what waits. */
  const nextBatch = (): Batch | undefined => {
    if (current !== undefined || ring.size === 0) return current
    const served = ring.take(batchSize)
    sequence += 1
    const bytes = encodeBatch(toBatch(proxyInstance, sequence, served))
    current = { id: batchId(proxyInstance, sequence), bytes, size: served.length }
    return current
  }

  const send = Effect.fnUntraced(function* (batch: Batch) {
    if (!streamExists) yield* nats.ensureStream(stream)
    streamExists = true
    yield* nats.publish(stream.subject, batch.bytes, { id: batch.id, stream: stream.name })
    current = undefined
    published += batch.size
    publishedEvents.updateUnsafe(batch.size, context)
    waitingEvents.updateUnsafe(waiting(), context)
  })

  const sendAll: Effect.Effect<void> = Effect.suspend(() => {
    const batch = nextBatch()
    waitingEvents.updateUnsafe(waiting(), context)
    if (batch === undefined) return Effect.void
    return send(batch).pipe(
      Effect.tapError((error) => {
        streamExists = false
        return Effect.logDebug("usage waits for NATS", { reason: error.reason })
      }),
      Effect.retry(Schedule.jittered(Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]))),
      Effect.orDie,
      Effect.andThen(sendAll),
    )
  })

  yield* Effect.addFinalizer(() =>
    sendAll.pipe(
      Effect.timeout(stopWithin),
      Effect.catch(() => Effect.logError("usage is lost: NATS did not take it in time", { events: waiting() })),
    ),
  )
  yield* Effect.raceFirst(full.await, Effect.sleep(interval)).pipe(
    Effect.andThen(Effect.suspend(() => Effect.as(full.close, undefined))),
    Effect.andThen(sendAll),
    Effect.forever,
    Effect.forkScoped,
  )

  return Meter.of({
    record: (request) => {
      if (!ring.push(request)) droppedEvents.updateUnsafe(1, context)
      else if (ring.size === batchSize) full.openUnsafe()
    },
    figures: () => ({ waiting: waiting(), published, dropped: ring.dropped }),
  })
})
