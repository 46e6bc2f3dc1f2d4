/** The buckets of everybody who called lately, in the memory of this process. */
import { makeBoundedMap } from "../../runtime/BoundedMap.ts"
import { type Bucket, fullBucket, type Rate, type Standing, standingOf, take } from "./TokenBucket.ts"

export interface Buckets {
  /** Counts a call of `key` against `rate`. `now` in epoch milliseconds. */
  readonly take: (key: string, rate: Rate, now: number) => Standing
}

/** Who is forgotten starts with a full bucket, as they would have after a while of rest. */
const capacity = 100_000

export const makeBuckets = (): Buckets => {
  const buckets = makeBoundedMap<string, Bucket>(capacity)
  return {
    take: (key, rate, now) => {
      let bucket = buckets.get(key)
      if (bucket === undefined) {
        bucket = fullBucket(rate, now)
        buckets.set(key, bucket)
      }
      return standingOf(take(bucket, rate, now), bucket, rate)
    },
  }
}
