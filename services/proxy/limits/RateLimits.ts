/** The rates of all keys that this process serves, each process for itself. */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { makeBoundedMap } from "../BoundedMap.ts"
import { type Bucket, fullBucket, take } from "./TokenBucket.ts"

/** A key that is forgotten starts with a full bucket, as it would have after a second of rest. */
const capacity = 100_000

export interface Taken {
  readonly allowed: boolean
  /** As it is after the request. */
  readonly bucket: Readonly<Bucket>
}

export class RateLimits extends Context.Service<
  RateLimits,
  {
    /** Counts a request of the key against `rate` requests a second. `now` in epoch milliseconds. */
    readonly take: (keyId: string, rate: number, now: number) => Taken
  }
>()("proxy/limits/RateLimits") {
  static readonly layer = Layer.sync(RateLimits, () => {
    const buckets = makeBoundedMap<string, Bucket>(capacity)
    return {
      take: (keyId, rate, now) => {
        let bucket = buckets.get(keyId)
        if (bucket === undefined) {
          bucket = fullBucket(rate, now)
          buckets.set(keyId, bucket)
        }
        return { allowed: take(bucket, rate, now), bucket }
      },
    }
  })
}
