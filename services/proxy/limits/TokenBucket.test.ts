import { expect, it } from "vitest"
import { fullAt, fullBucket, remaining, take, waitMillis } from "./TokenBucket.ts"

const takeAll = (bucket: ReturnType<typeof fullBucket>, rate: number, now: number) => {
  let taken = 0
  while (take(bucket, rate, now)) taken += 1
  return taken
}

it("lets a second's worth through at once, and then as much as time brings", () => {
  const bucket = fullBucket(10, 0)
  expect(takeAll(bucket, 10, 0)).toBe(10)
  expect(waitMillis(bucket, 10)).toBe(100)
  expect(takeAll(bucket, 10, 99)).toBe(0)
  expect(takeAll(bucket, 10, 350)).toBe(3)
  expect(takeAll(bucket, 10, 60_000)).toBe(10)
})

it("never lets more through than the rate over time", () => {
  const bucket = fullBucket(100, 0)
  let taken = 0
  for (let now = 0; now <= 10_000; now += 7) taken += takeAll(bucket, 100, now)
  expect(taken).toBeLessThanOrEqual(100 + 10 * 100)
  expect(taken).toBeGreaterThan(1090)
})

it("tells what is left and when all of it is back", () => {
  const bucket = fullBucket(10, 5_000)
  take(bucket, 10, 5_000)
  expect([remaining(bucket), fullAt(bucket, 10)]).toEqual([9, 6])
})

it("fills nothing when the clock is set back, and follows a rate that changed", () => {
  const bucket = fullBucket(10, 5_000)
  expect(takeAll(bucket, 10, 1_000)).toBe(10)
  expect(takeAll(bucket, 2, 60_000)).toBe(2)
})

it("allows nothing at a rate of nothing", () => {
  const bucket = fullBucket(0, 1_000)
  expect(take(bucket, 0, 90_000)).toBe(false)
  expect([remaining(bucket), fullAt(bucket, 0), waitMillis(bucket, 0)]).toEqual([0, 90, 60_000])
})
