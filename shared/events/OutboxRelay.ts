/** Publishes what the outbox holds: woken by commits, otherwise looking every second, in every process that has one. */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import { Nats } from "../nats/Nats.ts"
import { describeError } from "../telemetry/renderCause.ts"
import { outboxAge, outboxWaiting } from "./EventMetrics.ts"
import { makeOutboxPublisher } from "./OutboxPublisher.ts"
import { batchSize, OutboxStore } from "./OutboxStore.ts"

/** Without a wake-up, look again after this time. */
const pollInterval = Duration.seconds(1)
/** While events come one after another they are gathered for so long: many at a time cost hardly more than one. */
const gathering = Duration.millis(50)
/** Published rows stay for a day, to be looked at, and are deleted every few minutes. */
const keep = Duration.days(1)
const sweepInterval = Duration.minutes(5)

/** Says each turn of the relay's fortune once. */
const fortune = () => {
  let stuck = false
  const turned = (now: boolean) =>
    Effect.sync(() => {
      const turns = stuck !== now
      stuck = now
      return turns
    })
  return {
    moving: Effect.when(Effect.logInfo("the outbox is relayed again"), turned(false)),
    stuck: (cause: Cause.Cause<unknown>) =>
      Effect.when(Effect.logError("the outbox cannot be relayed for now", cause), turned(true)),
  }
}

const relay = Effect.gen(function* () {
  const store = yield* OutboxStore
  const publisher = makeOutboxPublisher(yield* Nats)
  const wake = yield* Queue.sliding<void>(1)
  const { moving, stuck } = fortune()

  yield* store.onAppended(Effect.asVoid(Queue.offer(wake, undefined))).pipe(
    Effect.tapError((error) => Effect.logDebug("not woken by commits for now", describeError(error))),
    Effect.retry(Schedule.spaced("2 seconds")),
    Effect.forkScoped,
  )
  yield* store.sweep(keep).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(sweepInterval)), Effect.forkScoped)

  /** Publishes a batch; says whether to look again at once, when woken, a little after that, or only after a pause. */
  const drainOnce = Effect.gen(function* () {
    let away = false
    const drained = yield* store.drain(yield* publisher.paused, (events) =>
      Effect.map(publisher.publish(events), (outcome) => {
        away = outcome.away
        return outcome.stored
      }),
    )
    if (away) return "later"
    if (Option.isNone(drained) || drained.value.published === 0) return "whenWoken"
    // Less than a batch was all there was: what comes meanwhile wakes us.
    return drained.value.found === batchSize ? "again" : "afterGathering"
  })

  const observe = Effect.gen(function* () {
    const { waiting, oldestSeconds } = yield* store.backlog
    yield* Metric.update(outboxWaiting, waiting)
    yield* Metric.update(outboxAge, oldestSeconds)
  })

  const pause = Effect.sleep(pollInterval)
  const woken = Effect.flatMap(publisher.untilNextPauseEnds, (left = pollInterval) =>
    Effect.raceFirst(Queue.take(wake), Effect.sleep(Duration.min(left, pollInterval))),
  )
  yield* drainOnce.pipe(
    Effect.repeat({ while: (next) => next === "again" }),
    Effect.tap(Effect.andThen(observe, moving)),
    Effect.flatMap((next) =>
      next === "later" ? pause : next === "afterGathering" ? Effect.andThen(Effect.sleep(gathering), woken) : woken,
    ),
    // Whatever it is, it must not end the relay: events would wait for ever, and nobody would know why.
    Effect.catchCause((cause) => Effect.andThen(stuck(cause), pause)),
    Effect.forever,
    // Events carry the trace that they belong to; a look at an empty outbox belongs to none.
    Effect.withTracerEnabled(false),
    Effect.forkScoped,
  )
})

/**
 * Relays the outbox of this process' database for as long as it runs. Several processes may: one publishes at a time,
 * so that the order of an aggregate holds. What NATS cannot take waits, for ever.
 */
export const layer = Layer.provide(Layer.effectDiscard(relay), OutboxStore.layer)
