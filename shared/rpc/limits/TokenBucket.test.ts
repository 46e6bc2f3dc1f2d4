import { expect, it } from "vitest"
import { type Bucket, fullBucket, type Rate, standingOf, take } from "./TokenBucket.ts"

const perSecond = (rate: number): Rate => ({ burst: rate, perMinute: rate * 60 })

const takeAll = (bucket: Bucket, rate: Rate, now: number) => {
  let taken = 0
  while (take(bucket, rate, now)) taken += 1
  return taken
}

it("lets a burst through at once, and then as much as time brings", () => {
  const rate = perSecond(10)
  const bucket = fullBucket(rate, 0)
  expect(takeAll(bucket, rate, 0)).toBe(10)
  expect(standingOf(false, bucket, rate).retryAfterMs).toBe(100)
  expect(takeAll(bucket, rate, 99)).toBe(0)
  expect(takeAll(bucket, rate, 350)).toBe(3)
  expect(takeAll(bucket, rate, 60_000)).toBe(10)
})

it("keeps burst and rate apart", () => {
  const rate = { burst: 3, perMinute: 60 }
  const bucket = fullBucket(rate, 0)
  expect(takeAll(bucket, rate, 0)).toBe(3)
  expect(takeAll(bucket, rate, 2_000)).toBe(2)
  expect(takeAll(bucket, rate, 3_600_000)).toBe(3)
})

it("never lets more through than the rate over time", () => {
  const rate = perSecond(100)
  const bucket = fullBucket(rate, 0)
  let taken = 0
  for (let now = 0; now <= 10_000; now += 7) taken += takeAll(bucket, rate, now)
  expect(taken).toBeLessThanOrEqual(100 + 10 * 100)
  expect(taken).toBeGreaterThan(1090)
})

it("tells what is left and when all of it is back", () => {
  const rate = perSecond(10)
  const bucket = fullBucket(rate, 5_000)
  const allowed = take(bucket, rate, 5_000)
  expect(standingOf(allowed, bucket, rate)).toEqual({
    allowed: true,
    limit: 10,
    remaining: 9,
    fullAt: 6,
    retryAfterMs: 0,
  })
})

it("fills nothing when the clock is set back, and follows a rate that changed", () => {
  const bucket = fullBucket(perSecond(10), 5_000)
  expect(takeAll(bucket, perSecond(10), 1_000)).toBe(10)
  expect(takeAll(bucket, perSecond(2), 60_000)).toBe(2)
})

it("allows nothing at a rate of nothing", () => {
  const bucket = fullBucket(perSecond(0), 1_000)
  expect(take(bucket, perSecond(0), 90_000)).toBe(false)
  expect(standingOf(false, bucket, perSecond(0))).toMatchObject({ remaining: 0, fullAt: 90, retryAfterMs: 60_000 })
})
