import { describe, expect, it } from "vitest"
import { NotFound, Unavailable } from "../PublicError.ts"
import type { Failure } from "./Exchange.ts"
import { firstTry, type NextTry, nextTry, type Tries } from "./retry.ts"

const away = new Unavailable({ reason: "UNAVAILABLE", message: "away" })
const given = { repeatable: true, hasOther: false, leftMs: 1000, random: 0.5, spend: () => true }
const failed = (fate: Failure["fate"], error: Failure["error"] = away): Failure => ({
  error,
  fate,
  endpoint: undefined,
})

describe("a call that somebody may have seen", () => {
  it("is repeated where its contract allows it, after a pause that doubles", () => {
    const first = nextTry(failed("lost"), firstTry, given)
    expect(first).toEqual({ pauseMs: 20, tries: { paused: 2, atOnce: 0 } })
    const second = nextTry(failed("answered"), { paused: 2, atOnce: 0 }, given)
    expect(second?.pauseMs).toBe(40)
    expect(nextTry(failed("lost"), { paused: 3, atOnce: 0 }, given)).toBeUndefined()
    expect(nextTry(failed("lost"), firstTry, { ...given, repeatable: false })).toBeUndefined()
  })

  it("is not repeated for another error than being away, nor without budget or time", () => {
    const absent = new NotFound({ reason: "NOT_FOUND", message: "not there" })
    expect(nextTry(failed("answered", absent), firstTry, given)).toBeUndefined()
    expect(nextTry(failed("lost"), firstTry, { ...given, spend: () => false })).toBeUndefined()
    expect(nextTry(failed("lost"), firstTry, { ...given, leftMs: 20 })).toBeUndefined()
  })

  it("spends nothing of the budget on a pause that it has no time for", () => {
    let spent = 0
    const spend = () => {
      spent += 1
      return true
    }
    nextTry(failed("lost"), firstTry, { ...given, leftMs: 5, spend })
    expect(spent).toBe(0)
  })

  it("waits as long as the server asks, a little longer for some", () => {
    const asked = new Unavailable({ reason: "UNAVAILABLE", message: "in a moment", retryAfterMs: 500 })
    const pause = (random: number) => nextTry(failed("answered", asked), firstTry, { ...given, random })?.pauseMs
    expect([pause(0), pause(1)]).toEqual([500, 550])
  })
})

describe("a call that nobody can have seen", () => {
  const allOf = (fate: Failure["fate"], circumstances: typeof given): ReadonlyArray<number> => {
    const pauses: Array<number> = []
    let tries: Tries = firstTry
    for (let next: NextTry | undefined; ; tries = next.tries) {
      next = nextTry(failed(fate), tries, circumstances)
      if (next === undefined) return pauses
      pauses.push(next.pauseMs)
    }
  }

  it("is repeated at once, whatever its contract and the budget, a few times", () => {
    const strict = { ...given, repeatable: false, hasOther: true, spend: () => false }
    expect(allOf("refused", strict)).toEqual([0, 0, 0])
    expect(allOf("unsent", strict)).toEqual([0, 0, 0])
  })

  it("that found no connection goes elsewhere at once, or waits where there is no elsewhere", () => {
    expect(allOf("unsent", { ...given, repeatable: false })).toEqual([20, 40])
    expect(allOf("unsent", { ...given, hasOther: true })).toEqual([0, 0, 0, 20, 40])
  })
})
