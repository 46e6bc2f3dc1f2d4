import * as Schema from "effect/Schema"
import { NatsError } from "nats"

/** NATS is away, too slow, or cannot keep the message. */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>()("NatsUnavailable", {
  reason: Schema.String,
  /** JetStream's own error code, where it answered with one. */
  code: Schema.optional(Schema.Int),
}) {
  override get message(): string {
    return `NATS is unavailable: ${this.reason}`
  }
}

/** The error as it is for callers: its message, and the code by which JetStream names the reason. */
export const unavailable = (cause: unknown): NatsUnavailable =>
  cause instanceof NatsError
    ? new NatsUnavailable({ reason: cause.message, code: cause.api_error?.err_code })
    : new NatsUnavailable({ reason: cause instanceof Error ? cause.message : "unknown" })
