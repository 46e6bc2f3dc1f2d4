import * as Schema from "effect/Schema"
import { ErrorCode, NatsError } from "nats"

/**
 * What would fail too if it were tried now: anything (`connection`), anything with this stream (`stream`: it is full, say,
 * or has no leader), or this message alone, for ever (`message`).
 */
export const Concern = Schema.Literals(["connection", "stream", "message"])
export type Concern = typeof Concern.Type

/** NATS is away, too slow, or cannot keep the message. */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>()("NatsUnavailable", {
  reason: Schema.String,
  concern: Concern,
  /** JetStream's own error code, where it answered with one. */
  code: Schema.optional(Schema.Int),
}) {
  override get message(): string {
    return `NATS is unavailable: ${this.reason}`
  }
}

const ofMessage: ReadonlyArray<string> = [ErrorCode.MaxPayloadExceeded]
const ofConnection: ReadonlyArray<string> = [
  ErrorCode.Disconnect,
  ErrorCode.ConnectionClosed,
  ErrorCode.ConnectionDraining,
  ErrorCode.ConnectionRefused,
  ErrorCode.ConnectionTimeout,
]

/** A time-out may be the stream's alone; whether NATS answers at all is told by the state of the connection. */
const concernOf = ({ code, api_error }: NatsError): Concern => {
  if (api_error !== undefined) return "stream"
  if (ofMessage.includes(code)) return "message"
  return ofConnection.includes(code) ? "connection" : "stream"
}

/** The error as it is for callers: its message, and the code by which JetStream names the reason. */
export const unavailable = (cause: unknown): NatsUnavailable =>
  cause instanceof NatsError
    ? new NatsUnavailable({ reason: cause.message, concern: concernOf(cause), code: cause.api_error?.err_code })
    : new NatsUnavailable({ reason: cause instanceof Error ? cause.message : "unknown", concern: "connection" })
