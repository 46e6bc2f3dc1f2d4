/** The live estimates of active users in Redis, which the proxy writes and which may be away or lost at any time. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Redis } from "#shared/redis/Redis.ts"
import type { UsagePeriod } from "./UsagePeriod.ts"

export class LiveUserStore extends Context.Service<
  LiveUserStore,
  {
    /** The estimates by application, within about 2 %; empty where Redis does not answer within a second. */
    readonly estimates: (
      applicationIds: ReadonlyArray<string>,
      period: UsagePeriod,
    ) => Effect.Effect<ReadonlyMap<string, number>>
  }
>()("billing/LiveUserStore") {
  static readonly layer = Layer.effect(
    LiveUserStore,
    Effect.gen(function* () {
      const redis = yield* Redis
      return LiveUserStore.of({
        estimates: (applicationIds, period) =>
          // One key at a time: Redis keeps the count of a single key, and would merge several for every question.
          Effect.forEach(
            applicationIds,
            (id) => Effect.map(redis.pfcount(`mau:${id}:${period}`), (estimate) => [id, estimate] as const),
            { concurrency: "unbounded" },
          ).pipe(
            Effect.map((entries): ReadonlyMap<string, number> => new Map(entries)),
            Effect.catchTag("RedisUnavailable", () => Effect.succeed(new Map<string, number>())),
          ),
      })
    }),
  )
}
