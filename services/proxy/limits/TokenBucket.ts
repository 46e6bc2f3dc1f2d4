/**
 * The rate of one key: a bucket of `rate` tokens that fills with `rate` tokens a second, and every request takes one. So
 * a second's worth may come at once, and never more than the rate over time.
 */
export interface Bucket {
  tokens: number
  /** When it was last filled. Epoch milliseconds. */
  at: number
}

export const fullBucket = (rate: number, now: number): Bucket => ({ tokens: rate, at: now })

/** Fills the bucket up to `now` and takes one token, in place; false where there is none. A rate of 0 allows nothing. */
export const take = (bucket: Bucket, rate: number, now: number): boolean => {
  // A clock that was set back fills nothing; a rate that was lowered empties at once.
  const passed = Math.max(0, now - bucket.at)
  bucket.tokens = Math.min(rate, bucket.tokens + (passed * rate) / 1000)
  bucket.at = now
  if (bucket.tokens < 1) return false
  bucket.tokens -= 1
  return true
}

/** Whole requests that may still be made at once. */
export const remaining = (bucket: Bucket): number => Math.floor(bucket.tokens)

/** When the bucket is full again, in Unix seconds. */
export const fullAt = (bucket: Bucket, rate: number): number =>
  Math.ceil((bucket.at + (rate === 0 ? 0 : ((rate - bucket.tokens) / rate) * 1000)) / 1000)

/** Milliseconds until there is a token; a minute where there will be none. */
export const waitMillis = (bucket: Bucket, rate: number): number =>
  rate === 0 ? 60_000 : Math.max(0, Math.ceil(((1 - bucket.tokens) / rate) * 1000))
