/** How large a stream may grow, and on how many servers it is kept: the installation's choice, not the event's. */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"

/** What is undefined is NATS's default for a stream that is made, and left alone where the stream exists. */
export interface StreamLimits {
  /** On how many servers of the cluster each message is kept. */
  readonly replicas?: number | undefined
  /** Bytes of all messages of one stream. A full work queue refuses; full news lose their oldest. */
  readonly maxBytes?: number | undefined
}

const count = (name: string, minimum: number, maximum: number) =>
  Config.schema(
    Schema.String.check(
      Schema.makeFilter((text) => /^\d{1,15}$/.test(text) && Number(text) >= minimum && Number(text) <= maximum, {
        expected: `a whole number from ${minimum} to ${maximum}`,
      }),
    ),
    name,
  ).pipe(Config.map(Number), Config.withDefault(undefined))

/** The largest event is half of it. */
const leastBytes = 1_048_576

/**
 * `NATS_STREAM_REPLICAS`, 1 to 5 (unset: one where a stream is made), and `NATS_STREAM_MAX_BYTES`, at least 1 MiB (unset:
 * as much as there is room).
 */
export const streamLimits: Config.Config<StreamLimits> = Config.all({
  replicas: count("NATS_STREAM_REPLICAS", 1, 5),
  maxBytes: count("NATS_STREAM_MAX_BYTES", leastBytes, Number.MAX_SAFE_INTEGER),
})
