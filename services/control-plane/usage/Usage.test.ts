import { describe, expect, it } from "vitest"
import { gigabytes, overageBytesOf, overageOf } from "./Usage.ts"

const gb = 1024n ** 3n

describe("usage", () => {
  it("is over from the first unit above the included ones", () => {
    expect([overageOf(9_999n, 10_000), overageOf(10_000n, 10_000), overageOf(10_001n, 10_000)]).toEqual([0n, 0n, 1n])
  })

  it("is never over what only a contract bounds", () => {
    expect(overageOf(1_000_000_000n, undefined)).toBe(0n)
    expect(overageBytesOf(1000n * gb, undefined)).toBe(0n)
  })

  it("counts GB of 1024³ bytes, to the byte", () => {
    expect(gigabytes(gb + gb / 2n)).toBe(1.5)
    expect(overageBytesOf(5n * gb, 5)).toBe(0n)
    expect(overageBytesOf(5n * gb + 1n, 5)).toBe(1n)
  })
})
