/** Publishes what the outbox holds: woken by commits, otherwise looking every second, in every process that has one. */
import * as Array from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import { Nats } from "../nats/Nats.ts"
import type { NatsUnavailable } from "../nats/NatsUnavailable.ts"
import { describeError } from "../telemetry/renderCause.ts"
import { outboxAge, outboxWaiting, published } from "./EventMetrics.ts"
import { type OutboxEvent, OutboxStore } from "./OutboxStore.ts"

/** Without a wake-up, look again after this time. */
const pollInterval = Duration.seconds(1)
/** A stream that refuses, being full for example, is left alone for this time. */
const streamPause = Duration.seconds(5)
/** Published rows stay for a day, to be looked at, and are deleted every few minutes. */
const keep = Duration.days(1)
const sweepInterval = Duration.minutes(5)
/** So many aggregates are published at a time, each in its order. */
const concurrency = 16
/** A batch ends after this time, so that its transaction does, long before the server would end it. */
const batchBudget = Duration.seconds(10)

/** What is known of NATS between two drains. */
interface RelayState {
  /** Subjects that their stream is known to keep. */
  readonly ensured: Set<string>
  /** Streams that refused, until when (milliseconds) they are left alone. */
  readonly paused: Map<string, number>
  /** Subjects whose last event failed: said once, until they work again. */
  readonly failing: Set<string>
}

/** What the aggregates of a batch tell each other. */
interface Batch {
  /** When (milliseconds) the batch ends, whatever is left. */
  readonly until: number
  /** There is nobody to talk to: the rest waits. */
  away: boolean
}

const publish = Effect.fnUntraced(function* (nats: Nats["Service"], state: RelayState, event: OutboxEvent) {
  const { name, subject } = event.stream
  if (!state.ensured.has(subject)) yield* nats.ensureStream(event.stream)
  state.ensured.add(subject)
  const { duplicate } = yield* nats.publish(subject, event.payload, {
    id: event.id,
    headers: event.headers,
    stream: name,
  })
  yield* Metric.update(published(subject, duplicate ? "duplicate" : "stored"), 1)
  if (state.failing.delete(subject)) yield* Effect.logInfo("events are published again", { subject })
})

const failed = Effect.fnUntraced(function* (
  state: RelayState,
  batch: Batch,
  event: OutboxEvent,
  error: NatsUnavailable,
) {
  const { name, subject } = event.stream
  state.ensured.delete(subject)
  yield* Metric.update(published(subject, "failed"), 1)
  if (!state.failing.has(subject)) yield* Effect.logWarning("events wait", { subject, reason: error.reason })
  state.failing.add(subject)
  // An answer of JetStream concerns one stream; without an answer there is nobody to talk to.
  if (error.code === undefined) batch.away = true
  else state.paused.set(name, (yield* Clock.currentTimeMillis) + Duration.toMillis(streamPause))
})

/** Publishes one aggregate's events in order, up to the first that fails; returns those that are stored. */
const publishInOrder = (nats: Nats["Service"], state: RelayState, batch: Batch) =>
  Effect.fnUntraced(function* (events: ReadonlyArray<OutboxEvent>) {
    const stored: Array<OutboxEvent> = []
    for (const event of events) {
      if (batch.away || state.paused.has(event.stream.name)) break
      if ((yield* Clock.currentTimeMillis) > batch.until) break
      const outcome = yield* Effect.result(publish(nats, state, event))
      if (outcome._tag === "Failure") {
        yield* failed(state, batch, event, outcome.failure)
        break
      }
      stored.push(event)
    }
    return stored
  })

const relay = Effect.gen(function* () {
  const store = yield* OutboxStore
  const nats = yield* Nats
  const state: RelayState = { ensured: new Set(), paused: new Map(), failing: new Set() }
  const wake = yield* Queue.sliding<void>(1)

  yield* store.onAppended(Effect.asVoid(Queue.offer(wake, undefined))).pipe(
    Effect.tapError((error) => Effect.logDebug("not woken by commits for now", describeError(error))),
    Effect.retry(Schedule.spaced("2 seconds")),
    Effect.forkScoped,
  )
  yield* store.sweep(keep).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(sweepInterval)), Effect.forkScoped)

  /** Publishes a batch; says whether to look again at once, when woken, or only after a pause. */
  const drainOnce = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    for (const [stream, until] of state.paused) if (until <= now) state.paused.delete(stream)
    const batch: Batch = { until: now + Duration.toMillis(batchBudget), away: false }
    const drained = yield* store.drain([...state.paused.keys()], (events) =>
      Effect.map(
        Effect.forEach(
          Object.values(Array.groupBy(events, (event) => event.aggregate)),
          publishInOrder(nats, state, batch),
          { concurrency },
        ),
        Array.flatten,
      ),
    )
    if (batch.away) return "later"
    return Option.exists(drained, ({ published }) => published > 0) ? "again" : "whenWoken"
  })

  const observe = Effect.gen(function* () {
    const { waiting, oldestSeconds } = yield* store.backlog
    yield* Metric.update(outboxWaiting, waiting)
    yield* Metric.update(outboxAge, oldestSeconds)
  })

  let stuck = false
  const moving = Effect.suspend(() => {
    const before = stuck
    stuck = false
    return before ? Effect.logInfo("the outbox is relayed again") : Effect.void
  })
  /** Whatever it is, it must not end the relay: events would wait for ever, and nobody would know why. Said once. */
  const complain = (cause: Cause.Cause<unknown>) =>
    Effect.suspend(() => {
      const before = stuck
      stuck = true
      return before ? Effect.void : Effect.logError("the outbox cannot be relayed for now", cause)
    })

  const pause = Effect.sleep(pollInterval)
  yield* drainOnce.pipe(
    Effect.repeat({ while: (next) => next === "again" }),
    Effect.tap(Effect.andThen(observe, moving)),
    Effect.flatMap((next) => (next === "later" ? pause : Effect.raceFirst(Queue.take(wake), pause))),
    Effect.catchCause((cause) => Effect.andThen(complain(cause), pause)),
    Effect.forever,
    Effect.forkScoped,
  )
})

/**
 * Relays the outbox of this process' database for as long as it runs. Several processes may: one publishes at a time,
 * so that the order of an aggregate holds. What NATS cannot take waits, for ever.
 */
export const layer = Layer.provide(Layer.effectDiscard(relay), OutboxStore.layer)
