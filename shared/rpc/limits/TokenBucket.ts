/**
 * How much a caller has left of a rate: a bucket of `burst` tokens that fills with `perMinute` tokens a minute, and every
 * call takes one. So a burst may come at once, and never more than the rate over time.
 */
export interface Rate {
  /** How many calls may come at once. */
  readonly burst: number
  readonly perMinute: number
}

export interface Bucket {
  tokens: number
  /** When it was last filled. Epoch milliseconds. */
  at: number
}

/** Where a caller stands after a call. */
export interface Standing {
  readonly allowed: boolean
  /** How many calls may come at once. */
  readonly limit: number
  /** Whole calls that may still come at once. */
  readonly remaining: number
  /** When the bucket is full again. Unix seconds. */
  readonly fullAt: number
  /** How long until the next call is allowed; a minute where none will be. Milliseconds. */
  readonly retryAfterMs: number
}

const minute = 60_000

export const fullBucket = ({ burst }: Rate, now: number): Bucket => ({ tokens: burst, at: now })

/** Fills the bucket up to `now` and takes one token, in place; false where there is none. A rate of 0 allows nothing. */
export const take = (bucket: Bucket, { burst, perMinute }: Rate, now: number): boolean => {
  // A clock that was set back fills nothing; a rate that was lowered empties at once.
  const passed = Math.max(0, now - bucket.at)
  bucket.tokens = Math.min(burst, bucket.tokens + (passed * perMinute) / minute)
  bucket.at = now
  if (bucket.tokens < 1) return false
  bucket.tokens -= 1
  return true
}

/** What a bucket says of the call that was just allowed or not. */
export const standingOf = (allowed: boolean, { tokens, at }: Bucket, { burst, perMinute }: Rate): Standing => {
  const untilFull = perMinute === 0 ? 0 : ((burst - tokens) * minute) / perMinute
  const untilOne = perMinute === 0 ? minute : Math.max(0, Math.ceil(((1 - tokens) * minute) / perMinute))
  return {
    allowed,
    limit: burst,
    remaining: Math.floor(tokens),
    fullAt: Math.ceil((at + untilFull) / 1000),
    retryAfterMs: untilOne,
  }
}
