/** What billing does with usage: counts it, each batch once, and tells it. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { LiveUserStore } from "./LiveUserStore.ts"
import { isCountable, newestOf, tally, type UsageBatch } from "./UsageBatch.ts"
import { age, batches, events } from "./UsageMetrics.ts"
import type { UsagePeriod } from "./UsagePeriod.ts"
import { UsageStore, type UsageUnavailable } from "./UsageStore.ts"
import { type WorkspaceUsage, withLive } from "./WorkspaceUsage.ts"

/** A request of the batch happened too long ago, or has not happened yet: nothing of the batch is counted. */
export class BatchOutOfTime extends Schema.TaggedError<BatchOutOfTime>()("BatchOutOfTime", {
  batchId: Schema.String,
}) {}

export class Usage extends Context.Service<
  Usage,
  {
    /** Counts the batch, unless it was counted before: then it changes nothing, and succeeds too. */
    readonly count: (batch: UsageBatch) => Effect.Effect<void, BatchOutOfTime | UsageUnavailable>
    /** What a workspace has used. One that nobody has heard of has used nothing. */
    readonly ofWorkspace: (workspaceId: string, period: UsagePeriod) => Effect.Effect<WorkspaceUsage, UsageUnavailable>
  }
>()("billing/Usage") {
  static readonly layer = Layer.effect(
    Usage,
    Effect.gen(function* () {
      const store = yield* UsageStore
      const live = yield* LiveUserStore

      const count = Effect.fn("Usage.count")(function* (batch: UsageBatch) {
        if (!isCountable(batch, yield* Clock.currentTimeMillis)) {
          return yield* new BatchOutOfTime({ batchId: batch.id })
        }
        if (!(yield* store.add(tally(batch)))) return yield* Metric.update(batches("duplicate"), 1)
        yield* Metric.update(batches("counted"), 1)
        yield* Metric.update(events, batch.requests.length)
        yield* Metric.update(age, Math.max(0, (yield* Clock.currentTimeMillis) - newestOf(batch)) / 1000)
      })

      const ofWorkspace = Effect.fn("Usage.ofWorkspace")(function* (workspaceId: string, period: UsagePeriod) {
        const { applications, countedAt } = yield* store.ofWorkspace(workspaceId, period)
        const estimates = yield* live.estimates(
          applications.map(({ applicationId }) => applicationId),
          period,
        )
        return {
          workspaceId,
          period,
          applications: applications.map((each) => withLive(each, estimates.get(each.applicationId))),
          countedAt,
        }
      })

      return Usage.of({ count, ofWorkspace })
    }),
  ).pipe(Layer.provide([UsageStore.layer, LiveUserStore.layer]))
}
