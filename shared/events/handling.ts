/** What consumers and listeners do alike with one message. */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { NatsMessage } from "../nats/NatsMessage.ts"
import { RequestId } from "../telemetry/RequestId.ts"
import { eventIdOf, publisherOf, replayForHeader, requestIdOf } from "./headers.ts"
import { CurrentConsumer } from "./Inbox.ts"

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

/** Unless told that somebody is at it, the server delivers again after this time. */
export const defaultAckWait = Duration.seconds(30)

/** The message, if it is one of the schema. */
export const decode = <M extends DescMessage>(schema: M, payload: Uint8Array): Option.Option<MessageShape<M>> =>
  Option.liftThrowable(() => fromBinary(schema, payload))()

/** Tells the server, while the effect runs, that we are at the message, however long it takes. */
export const keeping =
  (message: NatsMessage, ackWait: Duration.Duration) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    const pause = Effect.sleep(Duration.divideUnsafe(ackWait, 3))
    return Effect.raceFirst(effect, Effect.forever(Effect.andThen(pause, message.working)))
  }

export interface Handling<M extends DescMessage, E, R> {
  /** Whose notes the inbox takes; empty for a listener, which takes none. */
  readonly consumer: string
  readonly handle: Handler<M, E, R>
  readonly timeout: Duration.Input
}

/** Runs the handler once, as the publisher's request and in its trace. */
export const handleOnce = <M extends DescMessage, E, R>(
  { consumer, handle, timeout }: Handling<M, E, R>,
  decoded: MessageShape<M>,
  message: NatsMessage,
) => {
  const id = Option.getOrElse(eventIdOf(message), () => message.place)
  const requestId = requestIdOf(message.header)
  const redelivered = message.deliveries > 1 || message.header(replayForHeader) !== undefined
  return Effect.suspend(() => handle(decoded, { id, requestId, redelivered })).pipe(
    Effect.timeout(timeout),
    Effect.withSpan(`consume ${message.subject}`, {
      kind: "consumer",
      attributes: { "messaging.system": "nats", "messaging.message.id": id },
      root: true,
      ...Option.match(publisherOf(message.header), { onNone: () => ({}), onSome: (parent) => ({ parent }) }),
    }),
    Effect.annotateLogs({ event_id: id, subject: message.subject }),
    Effect.provideService(RequestId, requestId),
    Effect.provideService(CurrentConsumer, consumer),
  )
}
