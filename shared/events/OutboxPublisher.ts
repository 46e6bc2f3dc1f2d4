/** Events on their way into JetStream: in order for each aggregate, and past the streams that refuse just now. */
import * as Array from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Nats } from "../nats/Nats.ts"
import type { NatsUnavailable } from "../nats/NatsUnavailable.ts"
import { published, publishSeconds } from "./EventMetrics.ts"
import type { OutboxEvent } from "./OutboxStore.ts"

export interface OutboxPublisher {
  /** Streams that refused, being full for example, and are left alone for now. */
  readonly paused: Effect.Effect<ReadonlyArray<string>>
  /** How long until the first of them is asked again; undefined where none is paused. */
  readonly untilNextPauseEnds: Effect.Effect<Duration.Duration | undefined>
  /** Publishes what can be published in ten seconds; `away`: there is nobody to talk to. */
  readonly publish: (
    events: ReadonlyArray<OutboxEvent>,
  ) => Effect.Effect<{ readonly stored: ReadonlyArray<OutboxEvent>; readonly away: boolean }>
}

/** A stream that refuses is left alone for so many milliseconds, then for twice as long, up to the longest pause. */
const shortestPause = 250
const longestPause = 5000
/** So many aggregates are published at a time, each in its order. */
const concurrency = 16
/** A batch ends after this time, so that its transaction does, long before the server would end it. */
const batchBudget = Duration.seconds(10)

interface Pause {
  /** Epoch milliseconds. */
  readonly until: number
  readonly millis: number
}

/** What the aggregates of a batch tell each other. */
interface Batch {
  /** When it ends, whatever is left. Epoch milliseconds. */
  readonly until: number
  away: boolean
}

export const makeOutboxPublisher = (nats: Nats["Service"]): OutboxPublisher => {
  /** Subjects that their stream is known to keep. */
  const ensured = new Set<string>()
  /** Streams that refused, and have taken nothing since. */
  const pauses = new Map<string, Pause>()
  /** Subjects whose last event failed: said once, until they work again. */
  const failing = new Set<string>()

  const isPaused = (stream: string, now: number): boolean => (pauses.get(stream)?.until ?? 0) > now

  const publishOne = Effect.fnUntraced(function* ({ id, stream, payload, headers }: OutboxEvent) {
    const { name, subject } = stream
    if (!ensured.has(subject)) yield* nats.ensureStream(stream)
    ensured.add(subject)
    const startedAt = yield* Clock.currentTimeMillis
    const { duplicate } = yield* nats
      .publish(subject, payload, { id, headers, stream: name })
      .pipe(Effect.ensuring(measured(subject, startedAt)))
    pauses.delete(name)
    yield* Metric.update(published(subject, duplicate ? "duplicate" : "stored"), 1)
    if (failing.delete(subject)) yield* Effect.logInfo("events are published again", { subject })
  })

  const failed = Effect.fnUntraced(function* (batch: Batch, { stream }: OutboxEvent, error: NatsUnavailable) {
    const { name, subject } = stream
    ensured.delete(subject)
    yield* Metric.update(published(subject, "failed"), 1)
    if (!failing.has(subject)) yield* Effect.logWarning("events wait", { subject, reason: error.reason })
    failing.add(subject)
    const now = yield* Clock.currentTimeMillis
    if (error.concern === "connection") batch.away = true
    // Several aggregates may be refused at a time; that is one refusal. A message that can never be stored holds up its
    // own aggregate, for the order's sake, and nobody else.
    if (error.concern !== "stream" || isPaused(name, now)) return
    const millis = Math.min((pauses.get(name)?.millis ?? shortestPause / 2) * 2, longestPause)
    pauses.set(name, { until: now + millis, millis })
  })

  /** One aggregate's events, up to the first that fails; returns those that are stored. */
  const publishInOrder = (batch: Batch) =>
    Effect.fnUntraced(function* (events: ReadonlyArray<OutboxEvent>) {
      const stored: Array<OutboxEvent> = []
      for (const event of events) {
        const now = yield* Clock.currentTimeMillis
        if (batch.away || now > batch.until || isPaused(event.stream.name, now)) break
        const outcome = yield* Effect.result(publishOne(event))
        if (outcome._tag === "Failure") {
          yield* failed(batch, event, outcome.failure)
          break
        }
        stored.push(event)
      }
      return stored
    })

  return {
    paused: Effect.map(Clock.currentTimeMillis, (now) => [...pauses.keys()].filter((name) => isPaused(name, now))),
    untilNextPauseEnds: Effect.map(Clock.currentTimeMillis, (now) => {
      const left = [...pauses.values()].flatMap(({ until }) => (until > now ? [until - now] : []))
      return left.length === 0 ? undefined : Duration.millis(Math.min(...left))
    }),
    publish: Effect.fnUntraced(function* (events) {
      const batch: Batch = { until: (yield* Clock.currentTimeMillis) + Duration.toMillis(batchBudget), away: false }
      const aggregates = Object.values(Array.groupBy(events, ({ aggregate }) => aggregate))
      const stored = yield* Effect.forEach(aggregates, publishInOrder(batch), { concurrency })
      return { stored: stored.flat(), away: batch.away }
    }),
  }
}

const measured = (subject: string, startedAt: number) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => Metric.update(publishSeconds(subject), (now - startedAt) / 1000))
