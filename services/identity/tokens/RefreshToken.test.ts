import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { judge, nextRefreshToken } from "./RefreshToken.ts"

describe("a refresh token", () => {
  it.each([
    ["the current one is exchanged", { usedMillisAgo: null, childUsed: false }, "exchange"],
    ["a repeat within ten seconds is a retry", { usedMillisAgo: 10_000, childUsed: true }, "repeat"],
    ["a repeat is a retry as long as its answer was not used", { usedMillisAgo: 9e8, childUsed: false }, "repeat"],
    ["a later repeat is somebody else's copy", { usedMillisAgo: 10_001, childUsed: true }, "reused"],
  ] as const)("%s", (_, shown, verdict) => {
    expect(judge(shown)).toBe(verdict)
  })

  it("follows from the one before and the session's secret, and from both of them only", () => {
    const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const [a, b] = [Redacted.make("a"), Redacted.make("b")]
    const next = Redacted.value(nextRefreshToken(one, a))
    expect(next).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(Redacted.value(nextRefreshToken(one, a))).toBe(next)
    expect(Redacted.value(nextRefreshToken(one, b))).not.toBe(next)
    expect(Redacted.value(nextRefreshToken(other, a))).not.toBe(next)
  })
})
