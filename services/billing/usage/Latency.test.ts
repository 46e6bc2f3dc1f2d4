import { expect, it } from "@effect/vitest"
import { latencyBounds, latencyClasses, latencyClassOf, latencyCounts } from "./Latency.ts"

it("a duration is in the first class whose bound it does not exceed", () => {
  for (let millis = 0; millis < 70_000; millis++) {
    const first = latencyBounds.findIndex((bound) => millis <= bound)
    expect(latencyClassOf(BigInt(millis))).toBe(first === -1 ? latencyClasses - 1 : first)
  }
  expect(latencyClassOf(2n ** 63n - 1n)).toBe(latencyClasses - 1)
})

it("no request is lost between the classes", () => {
  const counts = latencyCounts([0n, 1n, 2n, 5n, 5n, 100_000n])
  expect(counts).toHaveLength(latencyClasses)
  expect(counts.reduce((total, count) => total + count)).toBe(6)
  expect([counts[0], counts[2], counts[5], counts.at(-1)]).toEqual([2, 1, 2, 1])
})
