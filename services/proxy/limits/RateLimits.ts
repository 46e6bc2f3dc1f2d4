/** The rates of all keys that this process serves, each process for itself. */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { makeBuckets } from "#shared/rpc/limits/Buckets.ts"
import type { Standing } from "#shared/rpc/limits/TokenBucket.ts"

export class RateLimits extends Context.Service<
  RateLimits,
  {
    /** Counts a request of the key against `rate` requests a second. `now` in epoch milliseconds. */
    readonly take: (keyId: string, rate: number, now: number) => Standing
  }
>()("proxy/limits/RateLimits") {
  static readonly layer = Layer.sync(RateLimits, () => {
    const buckets = makeBuckets()
    return { take: (keyId, rate, now) => buckets.take(keyId, { burst: rate, perMinute: rate * 60 }, now) }
  })
}
