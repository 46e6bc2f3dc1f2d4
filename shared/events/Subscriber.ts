/** News for every process: what has changed, so that nobody goes on with what was. */
import type { DescMessage } from "@bufbuild/protobuf"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { Nats } from "../nats/Nats.ts"
import { makeNatsConsumer } from "../nats/NatsConsumer.ts"
import type { NatsMessage } from "../nats/NatsMessage.ts"
import { eventContract } from "./EventContract.ts"
import { decode, defaultAckWait, type Handler, handleOnce, keeping } from "./handling.ts"
import { replayForHeader } from "./headers.ts"
import { type OutageWatch, throughOutages } from "./Outage.ts"

export interface SubscribeOptions {
  /**
   * How long before its start a process begins to listen: longer than a process may take to start, and than anything
   * that it finds and believes may be old. Unset: two minutes.
   */
  readonly since?: Duration.Duration
}

const aMomentAgo = Duration.minutes(2)

/** One line for each try would be many. */
const quietly: OutageWatch = {
  waiting: ({ reason }) => Effect.logDebug("news wait", { reason }),
  over: Effect.void,
}

/**
 * Listens to an event in this process: every process sees every message, in order and across outages of NATS, from a
 * moment before its own start on. So a handler is told things that it may know, and must bear being told twice.
 *
 * A failure is logged, and the message tried four times more before it is passed over; while something that the handler
 * needs is away (`Outage`), it waits, and all later news with it.
 */
export const subscribe = <M extends DescMessage, E, R>(
  schema: M,
  handle: Handler<M, E, R>,
  { since = aMomentAgo }: SubscribeOptions = {},
): Layer.Layer<never, never, Nats | R> => {
  const stream = eventContract(schema)
  const handling = { consumer: "", handle, timeout: "10 minutes" } as const
  const handleOne = Effect.fnUntraced(function* (message: NatsMessage) {
    // A replay repairs what one consumer could not do; it is no news.
    if (message.header(replayForHeader) !== undefined) return
    const decoded = decode(schema, message.payload)
    if (Option.isNone(decoded)) return yield* Effect.logError("not a message of its subject", { event: message.id })
    yield* throughOutages(handleOnce(handling, decoded.value, message), quietly).pipe(
      Effect.sandbox,
      Effect.retry({ times: 4, schedule: Schedule.exponential("200 millis") }),
      Effect.catch((cause) => Effect.logError("an event was passed over", cause)),
      keeping(message, defaultAckWait),
    )
  })
  return Layer.effectDiscard(
    Effect.gen(function* () {
      const { next } = yield* makeNatsConsumer({ stream, ackWait: defaultAckWait, since })
      yield* Effect.flatMap(next, (message) => Effect.ensuring(handleOne(message), message.ack)).pipe(
        Effect.forever,
        Effect.forkScoped,
      )
    }),
  )
}
