/** Events that a consumer gave up, and what becomes of them when somebody looks. */
import * as Schema from "effect/Schema"

/** A consumer gives an event up once: that is its name. */
export interface DeadLetterKey {
  readonly consumer: string
  readonly messageId: string
}

/** What is known of a dead letter without its message. */
export interface DeadLetterHead extends DeadLetterKey {
  readonly subject: string
  /** Why it was given up, for operators. */
  readonly reason: string
  /** How often it had been delivered then. */
  readonly deliveries: number
  /** When it was given up, in epoch microseconds: no two times of one letter are the same. */
  readonly failedMicros: bigint
  /** Size of its message. */
  readonly sizeBytes: number
}

export interface DeadLetter extends DeadLetterHead {
  readonly payload: Uint8Array
  /** Whose request and which trace it belongs to. */
  readonly headers: Readonly<Record<string, string>>
}

/** What a consumer says of an event that it gives up. */
export type GivenUp = Omit<DeadLetter, "failedMicros" | "sizeBytes">

/** Which dead letters; what is undefined does not matter. */
export interface DeadLetterFilter {
  readonly consumer?: string | undefined
  readonly subject?: string | undefined
  readonly messageId?: string | undefined
}

/** No such letter: it was never given up, or has been replayed or dismissed. */
export class DeadLetterNotFound extends Schema.TaggedError<DeadLetterNotFound>()("DeadLetterNotFound", {
  consumer: Schema.String,
  messageId: Schema.String,
}) {}

/** Nobody would handle the letter: no consumer of that name takes that subject in this program. */
export class ConsumerGone extends Schema.TaggedError<ConsumerGone>()("ConsumerGone", {
  consumer: Schema.String,
  subject: Schema.String,
}) {}

/**
 * The `Nats-Msg-Id` of a replay: not the event's own, which JetStream may still remember and swallow, but the same for a
 * replay that is sent twice because nobody learnt that it had arrived.
 */
export const replayId = ({ messageId, consumer, failedMicros }: DeadLetterHead): string =>
  `${messageId}~${consumer}~${failedMicros}`
