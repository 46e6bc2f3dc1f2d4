import { expect, it } from "vitest"
import { Breaker, breakerSettings } from "./Breaker.ts"

const settings = { ...breakerSettings, failures: 3, firstMs: 100, longestMs: 1000 }

const make = (random = 0.5) => {
  const seen = { opened: 0 }
  const breaker = new Breaker(
    settings,
    () => random,
    () => {
      seen.opened += 1
    },
  )
  const fail = (times: number, now: number) => {
    for (let each = 0; each < times; each++) breaker.failed(now)
  }
  /** Until when the breaker lets nothing through. */
  const openUntil = (from: number) => {
    let now = from
    while (!breaker.admits(now)) now += 1
    return now
  }
  return { breaker, seen, fail, openUntil }
}

it("lets calls through until too many fail in a row", () => {
  const { breaker, fail, seen } = make()
  fail(2, 0)
  breaker.succeeded()
  fail(2, 0)
  expect(breaker.isClosed).toBe(true)
  breaker.failed(0)
  expect([breaker.isClosed, breaker.admits(99), breaker.admits(100), seen.opened]).toEqual([false, false, true, 1])
})

it("opens for a bad share of failures though never many in a row, and forgets what is long ago", () => {
  const { breaker } = make()
  const alternate = (times: number, now: number) => {
    for (let each = 0; each < times; each++) {
      breaker.succeeded()
      breaker.failed(now)
    }
  }
  alternate(9, 0)
  alternate(9, settings.windowMs + 1)
  expect(breaker.isClosed).toBe(true)
  alternate(1, settings.windowMs + 1)
  alternate(1, settings.windowMs + 1)
  expect(breaker.isClosed).toBe(false)
})

it("lets one call probe, and closes or opens by what becomes of it", () => {
  const { breaker, fail } = make()
  fail(3, 0)
  breaker.began(100)
  expect(breaker.admits(100)).toBe(false)
  breaker.abandoned()
  expect(breaker.admits(100)).toBe(true)
  breaker.began(100)
  breaker.failed(100)
  expect([breaker.admits(299), breaker.admits(300)]).toEqual([false, true])
  breaker.began(300)
  breaker.succeeded()
  expect(breaker.isClosed).toBe(true)
})

it("opens for longer each time, up to a limit, and for a short time again after a long good one", () => {
  const { breaker, fail, openUntil } = make()
  fail(3, 0)
  let now = 0
  const lengths: Array<number> = []
  for (let each = 0; each < 6; each++) {
    const until = openUntil(now)
    lengths.push(until - now)
    now = until
    breaker.began(now)
    breaker.failed(now)
  }
  expect(lengths).toEqual([100, 200, 400, 800, 1000, 1000])
  now = openUntil(now)
  breaker.began(now)
  breaker.succeeded()
  now += 2 * settings.longestMs
  fail(3, now)
  expect(openUntil(now) - now).toBe(100)
})

it("spreads the times of many endpoints by a fifth", () => {
  const early = make(0)
  const late = make(1)
  for (const { fail } of [early, late]) fail(3, 0)
  expect([early.openUntil(0), late.openUntil(0)]).toEqual([80, 120])
})

it("opens at once where no connection can be made, and once for each time", () => {
  const { breaker, seen } = make()
  breaker.unreachable(0)
  breaker.unreachable(50)
  expect([breaker.isClosed, seen.opened]).toEqual([false, 1])
  breaker.unreachable(100)
  expect([breaker.admits(299), seen.opened]).toEqual([false, 2])
})

it("closes when a call that went through for want of another endpoint succeeds", () => {
  const { breaker } = make()
  breaker.unreachable(0)
  breaker.began(10)
  breaker.succeeded()
  expect(breaker.isClosed).toBe(true)
})
