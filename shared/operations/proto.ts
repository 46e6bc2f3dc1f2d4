/** Dead letters and backlogs as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as Option from "effect/Option"
import type { DeadLetterSchema } from "#gen/authsome/mesh/v1/dead_letter_pb.ts"
import type { GetEventBacklogResponseSchema } from "#gen/authsome/mesh/v1/event_backlog_pb.ts"
import type { DeadLetterHead } from "../events/DeadLetter.ts"
import type { OpenedLetter } from "../events/DeadLetters.ts"
import type { Backlog, ConsumerBacklog } from "../events/EventBacklog.ts"
import { requestIdHeader } from "../telemetry/RequestId.ts"

type DeadLetterInit = MessageInitShape<typeof DeadLetterSchema>
type BacklogInit = MessageInitShape<typeof GetEventBacklogResponseSchema>

/** Times and ages in milliseconds, which is as fine as anybody cares. */
const durationOf = (seconds: number) => durationFromMs(Math.round(seconds * 1000))

/** A letter as in a list. */
export const fromHead = ({ failedMicros, ...head }: DeadLetterHead): DeadLetterInit => ({
  ...head,
  failedAt: timestampFromMs(Number(failedMicros / 1000n)),
})

/** A letter with its message. */
export const fromOpened = ({ letter: { headers, payload, ...head }, json }: OpenedLetter): DeadLetterInit => {
  const requestId = headers[requestIdHeader]
  return {
    ...fromHead(head),
    payload,
    ...(Option.isSome(json) && { json: json.value }),
    ...(requestId !== undefined && { requestId }),
  }
}

const fromConsumer = ({ lag, ...consumer }: ConsumerBacklog) => ({
  ...consumer,
  ...(Option.isSome(lag) && {
    lag: {
      pending: BigInt(lag.value.pending),
      inFlight: BigInt(lag.value.inFlight),
      redelivered: BigInt(lag.value.redelivered),
      oldest: durationOf(lag.value.oldestSeconds),
    },
  }),
})

export const fromBacklog = ({ outbox, consumers, deadLetters }: Backlog): BacklogInit => ({
  outbox: { waiting: outbox.waiting, oldest: durationOf(outbox.oldestSeconds) },
  consumers: consumers.map(fromConsumer),
  deadLetters: [...deadLetters],
})
