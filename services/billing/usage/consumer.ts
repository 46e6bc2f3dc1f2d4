/** authsome.proxy.v1.RequestBatch: counted, waited for, or given up. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import { type RequestBatch, RequestBatchSchema } from "#gen/authsome/proxy/v1/events_pb.ts"
import { consume } from "#shared/events/Consumer.ts"
import { Rejected } from "#shared/events/Delivery.ts"
import { violationsOf } from "#shared/rpc/validation.ts"
import { toBatch } from "./proto.ts"
import { Usage } from "./Usage.ts"
import { batches } from "./UsageMetrics.ts"
import { UsageUnavailable } from "./UsageStore.ts"

/** Under which name the processes of billing share the batches. */
export const durable = "billing"

/** The longest that counting one batch may take, be the server ever so slow to refuse it. */
const countTimeout = Duration.seconds(30)

/** From a tenth of a second to ten seconds, for ever. */
const untilItIsBack = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered,
)

/**
 * Counts a delivered batch; succeeds when it is committed, now or by an earlier delivery. While the database is away it
 * waits: nothing else could be done with any batch, and none may be given up for that.
 */
export const countBatch = Effect.fnUntraced(function* (message: RequestBatch) {
  const violation = violationsOf(RequestBatchSchema, message, "name")
  if (violation !== undefined) return yield* new Rejected({ reason: violation.message })
  const usage = yield* Usage
  yield* usage.count(toBatch(message)).pipe(
    Effect.timeoutOrElse({
      duration: countTimeout,
      orElse: () => Effect.fail(new UsageUnavailable({ reason: "no answer" })),
    }),
    Effect.tapErrorTag("UsageUnavailable", ({ reason }) =>
      Effect.logWarning("a batch waits to be counted", { reason }),
    ),
    Effect.retry({ schedule: untilItIsBack, while: ({ _tag }) => _tag === "UsageUnavailable" }),
    Effect.catchTag(
      "BatchOutOfTime",
      () => new Rejected({ reason: "a request is older than what is counted, or has not happened yet" }),
    ),
  )
})

export const layer = consume(RequestBatchSchema, {
  durable,
  // Batches may overtake one another: counters do not mind.
  concurrency: 4,
  // Waiting for the database is no failure: in the 30 days that the queue keeps a batch it cannot run out of tries.
  timeout: Duration.days(1),
  handle: countBatch,
  onGivenUp: Metric.update(batches("dead"), 1),
})
