import { describe, expect, it } from "vitest"
import { isAllowed, isTimeout } from "./ApplicationConfig.ts"

describe("a session timeout", () => {
  it.each([
    ["7d", true],
    ["365d", true],
    ["366d", false],
    ["8760h", true],
    ["8761h", false],
    ["31536000s", true],
    ["31536001s", false],
    ["0d", false],
    ["7 d", false],
    ["7w", false],
  ])("of %s is allowed: %s", (text, allowed) => {
    expect(isTimeout(text)).toBe(allowed)
  })

  it("need not be given", () => {
    expect([isAllowed({}), isAllowed({ session: {} }), isAllowed({ session: { timeout: "400d" } })]).toEqual([
      true,
      true,
      false,
    ])
  })
})
