import { expect, it } from "vitest"
import { freshness, prolonged } from "./freshness.ts"

const minute = 60_000
const spans = { ttl: minute, maxStaleness: 10 * minute }
const identityEnd = (at: number) => at + 5 * minute

it("asks again after the time to live, waits after twice that, and ends with the greatest staleness", () => {
  expect(freshness(0, identityEnd(0), spans)).toEqual({
    checkedAt: 0,
    freshUntil: minute,
    usableUntil: 2 * minute,
    deadAt: 10 * minute,
  })
})

it("never outlives the identity that goes with it", () => {
  const { freshUntil, usableUntil } = freshness(0, identityEnd(0), { ...spans, ttl: 10 * minute })
  expect([freshUntil, usableUntil]).toEqual([3 * minute, 4 * minute])
})

it("never outlives the greatest staleness", () => {
  const before = freshness(0, identityEnd(0), { ttl: minute, maxStaleness: 30_000 })
  expect([before.freshUntil, before.usableUntil]).toEqual([30_000, 30_000])
  const nearlyDead = freshness(0, identityEnd(0), spans)
  const now = 10 * minute - 1_000
  expect(prolonged(nearlyDead, now, identityEnd(now)).usableUntil).toBe(10 * minute)
})

it("goes on for a while when nobody confirms it, without becoming fresh", () => {
  const before = freshness(0, identityEnd(0), spans)
  const after = prolonged(before, 3 * minute, identityEnd(3 * minute))
  expect(after).toEqual({ ...before, usableUntil: 3 * minute + 30_000 })
})
