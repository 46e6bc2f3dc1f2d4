/** Handling events: each in its own span, under the publisher's trace and request, until it is done or given up. */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { Nats } from "../nats/Nats.ts"
import { makeNatsConsumer, type NatsMessage } from "../nats/NatsConsumer.ts"
import { RequestId, requestIdHeader } from "../telemetry/RequestId.ts"
import { renderCause } from "../telemetry/renderCause.ts"
import { traceparentHeader } from "../telemetry/traceparent.ts"
import { eventContract } from "./EventContract.ts"
import { handled } from "./EventMetrics.ts"
import { publisherOf, requestIdOf } from "./headers.ts"
import { CurrentConsumer, Inbox } from "./Inbox.ts"

/** What is known of an event besides its message. */
export interface EventMeta {
  /** The id of the event, `evt_…`: the same for every delivery. */
  readonly id: string
  /** The request that caused it; undefined if none did. */
  readonly requestId: string | undefined
  /** Whether it was delivered before, to whichever process. */
  readonly redelivered: boolean
}

export type Handler<M extends DescMessage, E, R> = (
  message: MessageShape<M>,
  meta: EventMeta,
) => Effect.Effect<void, E, R>

/** No repeat can help, such as with a message that breaks its contract: a handler that fails with it buries the message. */
export class Rejected extends Data.TaggedError("Rejected")<{ readonly reason: string }> {}

export interface ConsumeOptions<M extends DescMessage, E, R> {
  /** The name under which the processes of a service share the work, such as `provisioner`. */
  readonly durable: string
  /** So many at a time in this process. Unset: one, which keeps the order unless one fails. */
  readonly concurrency?: number
  /** After so many failures the message goes to `dead_letters`. Unset: 10, which takes about four minutes. */
  readonly maxDeliver?: number
  /** The longest that the handler may take. Unset: 10 minutes. */
  readonly timeout?: Duration.Input
  /**
   * Acknowledged when it succeeds; otherwise the message comes again after a while, also after a defect. It must bear
   * being run twice: `Inbox.once` is the way to.
   */
  readonly handle: Handler<M, E, R>
  /** Runs after a message was buried, for whatever reason: to count it, say. */
  readonly onGivenUp?: Effect.Effect<void>
}

/** Unless told that somebody is at it, the server delivers again after this time. */
const ackWait = Duration.seconds(30)
const maxDelay = Duration.minutes(5)

/** 0.5 s, doubled with every delivery, up to five minutes. */
const delayAfter = (deliveries: number): Duration.Duration =>
  Duration.min(Duration.millis(500 * 2 ** Math.min(deliveries - 1, 20)), maxDelay)

const decode = <M extends DescMessage>(schema: M, payload: Uint8Array): Option.Option<MessageShape<M>> =>
  Option.liftThrowable(() => fromBinary(schema, payload))()

/** Runs the handler on one message, as the publisher's request, telling the server meanwhile that we are at it. */
const run = <M extends DescMessage, E, R>(
  name: string,
  { handle, timeout = "10 minutes" }: Pick<ConsumeOptions<M, E, R>, "handle" | "timeout">,
  decoded: MessageShape<M>,
  message: NatsMessage,
) => {
  const requestId = requestIdOf(message.header)
  return handle(decoded, { id: message.id, requestId, redelivered: message.deliveries > 1 }).pipe(
    Effect.timeout(timeout),
    Effect.raceFirst(Effect.forever(Effect.andThen(Effect.sleep(Duration.divideUnsafe(ackWait, 3)), message.working))),
    Effect.withSpan(`consume ${message.subject}`, {
      kind: "consumer",
      attributes: { "messaging.system": "nats", "messaging.message.id": message.id },
      root: true,
      ...Option.match(publisherOf(message.header), { onNone: () => ({}), onSome: (parent) => ({ parent }) }),
    }),
    Effect.annotateLogs({ event_id: message.id, subject: message.subject }),
    Effect.provideService(RequestId, requestId),
    Effect.provideService(CurrentConsumer, name),
  )
}

/**
 * Consumes an event durably: every message is handled by one of the processes of this name, at least once, and
 * acknowledged after the handler succeeded. What fails too often, or cannot be read, is buried with its reason.
 */
export const consume = <M extends DescMessage, E, R>(
  schema: M,
  options: ConsumeOptions<M, E, R>,
): Layer.Layer<never, never, Nats | Inbox | R> => {
  const stream = eventContract(schema)
  const { durable, concurrency = 1, maxDeliver = 10, onGivenUp = Effect.void } = options
  const again = (message: NatsMessage) =>
    Effect.andThen(Metric.update(handled(stream.subject, "retry"), 1), message.nak(delayAfter(message.deliveries)))

  const giveUp = Effect.fnUntraced(function* (message: NatsMessage, reason: string) {
    const inbox = yield* Inbox
    yield* inbox.bury({
      consumer: durable,
      messageId: message.id,
      subject: message.subject,
      payload: message.payload,
      headers: carried(message),
      reason: reason.slice(0, 2000),
      deliveries: message.deliveries,
    })
    yield* Effect.logError("an event was given up", { event_id: message.id, subject: message.subject, reason })
    yield* Metric.update(handled(stream.subject, "dead"), 1)
    yield* onGivenUp
    yield* message.ack
  })

  const handleOne = Effect.fnUntraced(function* (message: NatsMessage) {
    const decoded = decode(schema, message.payload)
    if (Option.isNone(decoded)) return yield* giveUp(message, `not a ${schema.typeName}`)
    // It was delivered far more often than it failed: whoever takes it up dies of it.
    if (message.deliveries > maxDeliver * 5) return yield* giveUp(message, "never answered")
    yield* run(durable, options, decoded.value, message).pipe(
      Effect.onInterrupt(() => message.nak(Duration.zero)),
      Effect.matchCauseEffect({
        onSuccess: () => Effect.andThen(Metric.update(handled(stream.subject, "done"), 1), message.ack),
        onFailure: (cause) => {
          const rejected = Option.filter(Cause.findErrorOption(cause), (error) => error instanceof Rejected)
          if (Option.isSome(rejected)) return giveUp(message, rejected.value.reason)
          return message.deliveries >= maxDeliver
            ? giveUp(message, renderCause(cause))
            : Effect.andThen(Effect.logWarning("an event will be tried again", cause), again(message))
        },
      }),
    )
  })

  return Layer.effectDiscard(
    Effect.gen(function* () {
      const consumer = yield* makeNatsConsumer({ stream, durable, ackWait })
      const worker = Effect.flatMap(consumer.next, (message) =>
        // A dead letter that cannot be stored now comes again: nothing is lost. And no defect ends the worker.
        Effect.catchCause(handleOne(message), (cause) =>
          Effect.andThen(Effect.logWarning("a dead letter could not be kept", cause), again(message)),
        ),
      )
      yield* Effect.forEach(Array.from({ length: concurrency }), () => Effect.forkScoped(Effect.forever(worker)))
    }),
  )
}

const carried = (message: NatsMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [requestIdHeader, traceparentHeader].flatMap((name) => {
      const value = message.header(name)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )

/**
 * Listens to an event in this process: every process sees every message that is published while it runs, in order, and
 * across outages of NATS. A failure is logged, and the message tried four times more before it is passed over.
 */
export const subscribe = <M extends DescMessage, E, R>(
  schema: M,
  handle: Handler<M, E, R>,
): Layer.Layer<never, never, Nats | R> => {
  const stream = eventContract(schema)
  return Layer.effectDiscard(
    Effect.gen(function* () {
      const consumer = yield* makeNatsConsumer({ stream, ackWait })
      const handleOne = Effect.fnUntraced(function* (message: NatsMessage) {
        const decoded = decode(schema, message.payload)
        if (Option.isNone(decoded)) return yield* Effect.logError("not a message of its subject", { event: message.id })
        yield* run("", { handle }, decoded.value, message).pipe(
          Effect.sandbox,
          Effect.retry({ times: 4, schedule: Schedule.exponential("200 millis") }),
          Effect.catch((cause) => Effect.logError("an event was passed over", cause)),
        )
      })
      yield* Effect.flatMap(consumer.next, (message) => Effect.ensuring(handleOne(message), message.ack)).pipe(
        Effect.forever,
        Effect.forkScoped,
      )
    }),
  )
}
