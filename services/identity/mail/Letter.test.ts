import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { type Letter, write } from "./Letter.ts"

const token = Redacted.make("a-token_of-ours")
const letters: ReadonlyArray<readonly [Letter, string]> = [
  [{ kind: "emailVerification", token }, "verify-email?token=a-token_of-ours"],
  [{ kind: "passwordReset", token }, "reset-password?token=a-token_of-ours"],
  [{ kind: "passwordChanged" }, "forgot-password"],
  [{ kind: "addressTaken" }, "forgot-password"],
  [{ kind: "organizationInvitation", token, organization: "Acme" }, "accept-invitation?token=a-token_of-ours"],
]

describe("a letter", () => {
  it.each([
    ["https://shop.test", "https://shop.test/"],
    ["https://shop.test/", "https://shop.test/"],
    ["https://shop.test/account", "https://shop.test/account/"],
    ["https://shop.test/account/", "https://shop.test/account/"],
    ["https://shop.test/?shop=1", "https://shop.test/"],
  ])("leads below %s", (base, prefix) => {
    for (const [letter, page] of letters) {
      const links = write(letter, new URL(base)).text.match(/https:\S+/g)
      const [path = "", query] = page.split("?")
      const expected = new URL(prefix + path)
      for (const part of [base.split("?")[1], query]) {
        const [name = "", value = ""] = part?.split("=") ?? []
        if (name !== "") expected.searchParams.set(name, value)
      }
      expect(links).toEqual([expected.href])
    }
  })

  it("has a subject of one line, and shows a token nowhere else", () => {
    for (const [letter] of letters) {
      const { subject, text } = write(letter, new URL("https://shop.test"))
      expect(subject).toMatch(/^[A-Z][ -~]{5,60}$/)
      expect(text.split("a-token_of-ours").length - 1).toBe("token" in letter ? 1 : 0)
    }
  })
})
