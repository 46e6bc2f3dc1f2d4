/**
 * The live figure of monthly active users: a HyperLogLog in Redis for each application and month. Best effort, since the
 * invoice counts the exact set from the request events.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import { Redis } from "#shared/redis/Redis.ts"
import { monthOf } from "./ServedRequest.ts"

/** How long a month's figure is kept after its last change. */
const keep = Duration.days(60)
/** How many users may wait for Redis. */
const capacity = 100_000

const dropped = Metric.counter("authsome_proxy_active_users_dropped_total", {
  description: "Active users that the live figure will not show: more waited for Redis than there was room for",
  incremental: true,
})

export class ActiveUsers extends Context.Service<
  ActiveUsers,
  {
    /** Notes that an end user of the application was active. Never waits. `at` in epoch milliseconds. */
    readonly note: (applicationId: string, userId: string, at: number) => void
  }
>()("proxy/metering/ActiveUsers") {
  static readonly layer = (options: { readonly interval: Duration.Duration; readonly stopWithin: Duration.Duration }) =>
    Layer.effect(
      ActiveUsers,
      Effect.gen(function* () {
        const redis = yield* Redis
        const context = yield* Effect.context()
        let waiting = new Map<string, Set<string>>()
        let count = 0

        const note = (key: string, users: Iterable<string>): void => {
          const known = waiting.get(key) ?? new Set()
          const before = known.size
          for (const user of users) {
            if (count + known.size - before < capacity || known.has(user)) known.add(user)
            else dropped.updateUnsafe(1, context)
          }
          count += known.size - before
          waiting.set(key, known)
        }

        /** Adding twice changes nothing, so what may or may not have reached Redis is simply added again. */
        const flush = Effect.suspend(() => {
          if (waiting.size === 0) return Effect.void
          const taken = waiting
          waiting = new Map()
          count = 0
          return redis
            .use(async (client) => {
              const pipeline = client.pipeline()
              for (const [key, users] of taken) pipeline.pfadd(key, ...users).pexpire(key, Duration.toMillis(keep))
              const failed = (await pipeline.exec())?.find(([error]) => error !== null)?.[0]
              if (failed !== null && failed !== undefined) throw failed
            })
            .pipe(
              Effect.catch(() =>
                Effect.sync(() => {
                  for (const [key, users] of taken) note(key, users)
                }),
              ),
            )
        })

        yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(flush, options.stopWithin)))
        yield* flush.pipe(Effect.repeat(Schedule.spaced(options.interval)), Effect.forkScoped)

        return ActiveUsers.of({
          note: (applicationId, userId, at) => note(`mau:${applicationId}:${monthOf(at)}`, [userId]),
        })
      }),
    )
}
