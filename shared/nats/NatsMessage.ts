/** A message of a stream as its consumer holds it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { JsMsg } from "nats"

/** A message that must be acknowledged, refused, or held on to. */
export interface NatsMessage {
  /** Its `Nats-Msg-Id`; empty where it came without one. */
  readonly id: string
  /** Its stream, sequence and time: a name of its own, the same at every delivery, for a message that has no id. */
  readonly place: string
  readonly subject: string
  readonly payload: Uint8Array
  /** How often it was delivered, this time included. */
  readonly deliveries: number
  /** When the stream took it. Epoch milliseconds. */
  readonly storedAt: number
  readonly header: (name: string) => string | undefined
  /** Done: never deliver it again. */
  readonly ack: Effect.Effect<void>
  /** Not done: deliver it again after the delay. */
  readonly nak: (delay: Duration.Duration) => Effect.Effect<void>
  /** Still at it: the time to acknowledge starts again. */
  readonly working: Effect.Effect<void>
}

/** When the stream took it. Epoch milliseconds. */
export const storedAt = (message: JsMsg): number => Math.floor(message.info.timestampNanos / 1e6)

/** The sequence alone would come again in a stream that was made anew. */
const placeOf = (message: JsMsg): string => `${message.info.stream}:${message.seq}:${storedAt(message)}`

/** An answer that cannot be sent is no failure: the message comes again. */
const answer = (send: () => void): Effect.Effect<void> => Effect.ignore(Effect.try(send))

/** The client's message without the client. */
export const natsMessage = (message: JsMsg): NatsMessage => ({
  id: message.headers?.get("Nats-Msg-Id") ?? "",
  place: placeOf(message),
  subject: message.subject,
  payload: message.data,
  deliveries: message.info.deliveryCount,
  storedAt: storedAt(message),
  header: (name) => message.headers?.get(name) || undefined,
  ack: answer(() => message.ack()),
  nak: (delay) => answer(() => message.nak(Duration.toMillis(delay))),
  working: answer(() => message.working()),
})
