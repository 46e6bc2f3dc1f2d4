import * as Duration from "effect/Duration"
import { describe, expect, it } from "vitest"
import { accountPolicy, addressPolicy, afterFailure, type LockoutPolicy } from "./Lockout.ts"

const tally = (failures: number, millisSinceLast: number | null = 1000) => ({
  failures,
  millisSinceLast,
  lockedForMillis: 0,
})

const lockAfter = (policy: LockoutPolicy, failures: number) =>
  afterFailure(policy, tally(failures - 1)).lockedForMillis / 1000

describe("wrong guesses", () => {
  it.each([
    [1, 0],
    [4, 0],
    [5, 30],
    [6, 60],
    [7, 120],
    [8, 300],
    [9, 900],
    [10, 1800],
    [1000, 1800],
  ])("the %ith at an account locks it for %i seconds", (failures, seconds) => {
    expect(lockAfter(accountPolicy, failures)).toBe(seconds)
  })

  it.each([
    [19, 0],
    [20, 30],
    [29, 30],
    [30, 120],
    [50, 600],
    [100, 1800],
    [1000, 1800],
  ])("the %ith from an address locks it for %i seconds", (failures, seconds) => {
    expect(lockAfter(addressPolicy, failures)).toBe(seconds)
  })

  it.each([
    ["account", accountPolicy],
    ["address", addressPolicy],
  ])("lock an %s for longer and longer, and are remembered for longer than they lock", (_, { steps, memory }) => {
    const locks = steps.map(([, lock]) => Duration.toMillis(lock))
    expect(locks).toEqual(locks.toSorted((a, b) => a - b))
    expect(steps.map(([failures]) => failures)).toEqual(steps.map(([failures]) => failures).toSorted((a, b) => a - b))
    expect(Duration.toMillis(memory)).toBeGreaterThan(Math.max(...locks))
  })

  it("are counted on from the last ones, and from one again when those are forgotten", () => {
    const day = Duration.toMillis(accountPolicy.memory)
    expect(afterFailure(accountPolicy, tally(0, null))).toEqual({ failures: 1, lockedForMillis: 0 })
    expect(afterFailure(accountPolicy, tally(7, day - 1)).failures).toBe(8)
    expect(afterFailure(accountPolicy, tally(7, day))).toEqual({ failures: 1, lockedForMillis: 0 })
  })
})
