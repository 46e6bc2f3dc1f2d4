import { expect, it } from "vitest"
import { makeRing } from "./Ring.ts"

it("gives back in order what was put in", () => {
  const ring = makeRing<number>(3)
  for (const item of [1, 2, 3]) expect(ring.push(item)).toBe(true)
  expect(ring.take(2)).toEqual([1, 2])
  ring.push(4)
  ring.push(5)
  expect(ring.take(10)).toEqual([3, 4, 5])
  expect([ring.size, ring.take(1)]).toEqual([0, []])
})

it("counts what does not fit, and keeps what waits", () => {
  const ring = makeRing<number>(2)
  expect([1, 2, 3, 4].map(ring.push)).toEqual([true, true, false, false])
  expect([ring.size, ring.dropped, ring.take(5)]).toEqual([2, 2, [1, 2]])
})
