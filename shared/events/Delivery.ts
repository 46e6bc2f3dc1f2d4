/** One message with one consumer: handled, tried again, or given up. Whatever happens, it is acknowledged or comes again. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type { NatsMessage } from "../nats/NatsMessage.ts"
import { renderCause } from "../telemetry/renderCause.ts"
import type { DeadLetterStore } from "./DeadLetterStore.ts"
import { handled, handledAge } from "./EventMetrics.ts"
import { decode, type Handling, handleOnce, keeping } from "./handling.ts"
import { eventIdOf, originOf, replayForHeader } from "./headers.ts"
import { type OutageWatch, throughOutages } from "./Outage.ts"

/** No repeat can help, such as with a message that breaks its contract: a handler that fails with it buries the message. */
export class Rejected extends Data.TaggedError("Rejected")<{ readonly reason: string }> {}

/** A consumer as its deliveries see it. */
export interface Consumption<M extends DescMessage, E, R> extends Handling<M, E, R> {
  readonly schema: M
  readonly subject: string
  readonly maxDeliver: number
  readonly ackWait: Duration.Duration
  readonly onGivenUp: Effect.Effect<void>
  readonly letters: DeadLetterStore["Service"]
  readonly watch: OutageWatch
}

/** As far as giving up is concerned, the handler does not matter. */
type Burial = Omit<Consumption<DescMessage, never, never>, "handle" | "timeout">

const maxReasonLength = 2000
const maxDelay = Duration.minutes(5)

/** 0.5 s, doubled with every delivery, up to five minutes. */
const delayAfter = (deliveries: number): Duration.Duration =>
  Duration.min(Duration.millis(500 * 2 ** Math.min(deliveries - 1, 20)), maxDelay)

const again = ({ subject }: Burial, message: NatsMessage) =>
  Effect.andThen(Metric.update(handled(subject, "retry"), 1), message.nak(delayAfter(message.deliveries)))

const keyOf = ({ consumer }: Burial, message: NatsMessage) => ({
  consumer,
  messageId: Option.getOrElse(eventIdOf(message), () => message.place),
})

const bury = (burial: Burial, message: NatsMessage, reason: string) => {
  const { letters, watch, subject } = burial
  const { payload, deliveries, header } = message
  const letter = { ...keyOf(burial, message), subject, payload, headers: originOf(header), reason, deliveries }
  return throughOutages(letters.bury(letter), watch)
}

const giveUp = Effect.fnUntraced(function* (burial: Burial, message: NatsMessage, why: string) {
  const { subject, onGivenUp } = burial
  const reason = why.slice(0, maxReasonLength)
  yield* bury(burial, message, reason)
  yield* Effect.logError("an event was given up", { event_id: keyOf(burial, message).messageId, subject, reason })
  yield* Metric.update(handled(subject, "dead"), 1)
  yield* onGivenUp
  yield* message.ack
})

const failed = (burial: Burial, message: NatsMessage, cause: Cause.Cause<unknown>) => {
  const rejected = Option.filter(Cause.findErrorOption(cause), (error) => error instanceof Rejected)
  if (Option.isSome(rejected)) return giveUp(burial, message, rejected.value.reason)
  return message.deliveries >= burial.maxDeliver
    ? giveUp(burial, message, renderCause(cause))
    : Effect.andThen(Effect.logWarning("an event will be tried again", cause), again(burial, message))
}

const done = Effect.fnUntraced(function* ({ subject }: Burial, message: NatsMessage) {
  yield* Metric.update(handled(subject, "done"), 1)
  yield* Metric.update(handledAge(subject), ((yield* Clock.currentTimeMillis) - message.storedAt) / 1000)
  yield* message.ack
})

const tried = <M extends DescMessage, E, R>(
  consumption: Consumption<M, E, R>,
  message: NatsMessage,
  decoded: MessageShape<M>,
) =>
  throughOutages(handleOnce(consumption, decoded, message), consumption.watch).pipe(
    Effect.matchCauseEffect({
      onSuccess: () => done(consumption, message),
      onFailure: (cause) => failed(consumption, message, cause),
    }),
  )

/**
 * Buried before it is tried, and taken out if it was not the death of us: a process that dies leaves it buried, so that it
 * kills no other one. Whatever else used up its deliveries, it is never given up untried.
 */
const triedOnProbation = Effect.fnUntraced(function* <M extends DescMessage, E, R>(
  consumption: Consumption<M, E, R>,
  message: NatsMessage,
  decoded: MessageShape<M>,
) {
  const takeOut = consumption.letters.remove(keyOf(consumption, message))
  yield* bury(consumption, message, `never answered in ${message.deliveries} deliveries; being tried once more`)
  yield* throughOutages(handleOnce(consumption, decoded, message), consumption.watch).pipe(
    Effect.onInterrupt(() => Effect.ignore(Effect.timeout(takeOut, "2 seconds"))),
    Effect.matchCauseEffect({
      onSuccess: () => Effect.andThen(throughOutages(takeOut, consumption.watch), done(consumption, message)),
      onFailure: (cause) => failed(consumption, message, cause),
    }),
  )
})

/** Delivered far more often than it failed: whoever takes it up may die of it. */
const isSuspect = ({ maxDeliver }: Burial, { deliveries }: NatsMessage): boolean => deliveries > maxDeliver * 5

const taken = Effect.fnUntraced(function* <M extends DescMessage, E, R>(
  consumption: Consumption<M, E, R>,
  message: NatsMessage,
) {
  const { schema, consumer, letters, watch } = consumption
  if (Option.isNone(eventIdOf(message))) return yield* giveUp(consumption, message, "it has no usable Nats-Msg-Id")
  const replayFor = message.header(replayForHeader)
  if (replayFor !== undefined && replayFor !== consumer) return yield* message.ack
  const decoded = decode(schema, message.payload)
  if (Option.isNone(decoded)) return yield* giveUp(consumption, message, `not a ${schema.typeName}`)
  // Given up before, and the acknowledgement was lost, or the process with it: somebody has to replay it.
  const buried = message.deliveries > 1 && (yield* throughOutages(letters.isBuried(keyOf(consumption, message)), watch))
  if (buried) return yield* message.ack
  const attempt = isSuspect(consumption, message) ? triedOnProbation : tried
  yield* attempt(consumption, message, decoded.value)
})

/** Takes a message to its end. Interrupted, it gives the message back at once. */
export const deliver = <M extends DescMessage, E, R>(consumption: Consumption<M, E, R>, message: NatsMessage) =>
  taken(consumption, message).pipe(
    keeping(message, consumption.ackWait),
    Effect.onInterrupt(() => message.nak(Duration.zero)),
    // No defect ends the worker, and what was not acknowledged comes again: nothing is lost.
    Effect.catchCause((cause) =>
      Effect.andThen(
        Effect.logError("an event could neither be handled nor given up", cause),
        again(consumption, message),
      ),
    ),
  )
