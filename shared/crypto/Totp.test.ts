import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { isTotpCode, newTotpSecret, totpCode, totpEnrolment, totpStepAt, totpStepOf } from "./Totp.ts"

/** RFC 6238, appendix B: "12345678901234567890" with SHA-1; of its eight digits an authenticator shows the last six. */
const secret = Redacted.make("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
const vectors = [
  [59, "94287082"],
  [1_111_111_109, "07081804"],
  [1_111_111_111, "14050471"],
  [1_234_567_890, "89005924"],
  [2_000_000_000, "69279037"],
  [20_000_000_000, "65353130"],
] as const

describe("a code of an authenticator", () => {
  it.effect("is what RFC 6238 says", () =>
    Effect.gen(function* () {
      for (const [seconds, digits] of vectors) {
        const step = totpStepAt(seconds * 1000)
        assert.strictEqual(totpCode(secret, step), digits.slice(2), String(seconds))
        yield* TestClock.setTime(seconds * 1000)
        assert.deepStrictEqual(yield* totpStepOf(secret, digits.slice(2)), Option.some(step))
      }
    }),
  )

  it.effect("is known one step early and one step late, and no further", () =>
    Effect.gen(function* () {
      const now = 41_152_263
      for (const within of [0, 29_999]) {
        yield* TestClock.setTime(now * 30_000 + within)
        for (const away of [-1, 0, 1]) {
          const step = yield* totpStepOf(secret, totpCode(secret, now + away))
          assert.deepStrictEqual(step, Option.some(now + away))
        }
        for (const away of [-3, -2, 2, 3]) {
          assert.isTrue(Option.isNone(yield* totpStepOf(secret, totpCode(secret, now + away))), String(away))
        }
      }
    }),
  )

  it.effect("has six digits and nothing else", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(59_000)
      for (const text of ["", "28708", "2870822", "94287082", "28708a", " 287082", "287082\n", "２８７０８２"]) {
        assert.isFalse(isTotpCode(text), text)
        assert.isTrue(Option.isNone(yield* totpStepOf(secret, text)), text)
      }
    }),
  )
})

describe("a secret of an authenticator", () => {
  it.effect("is 160 bits, another one each time, and shown by no accident", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* newTotpSecret, yield* newTotpSecret]
      assert.match(Redacted.value(one), /^[A-Z2-7]{32}$/)
      assert.notStrictEqual(Redacted.value(one), Redacted.value(other))
      const shown = JSON.stringify([one, totpEnrolment(one, { issuer: "Example", account: "ada" })])
      assert.notInclude(shown, Redacted.value(one))
    }),
  )

  it("is told as a URI that names issuer and account", () => {
    const { uri } = totpEnrolment(secret, { issuer: "Example: Inc.", account: "ada+home@example.com" })
    const { protocol, host, pathname, searchParams } = new URL(Redacted.value(uri))
    assert.deepStrictEqual([protocol, host], ["otpauth:", "totp"])
    assert.strictEqual(decodeURIComponent(pathname), "/Example  Inc.:ada+home@example.com")
    const parameters = { secret: Redacted.value(secret), issuer: "Example  Inc." }
    assert.deepStrictEqual(Object.fromEntries(searchParams), parameters)
  })

  it("is told as a QR code that is no longer than its field, whatever the names", () => {
    for (const account of ["ada@example.com", `${"+".repeat(64)}@${"x".repeat(189)}`]) {
      const { uri, qrCodeSvg } = totpEnrolment(secret, { issuer: "&".repeat(60), account })
      const svg = Redacted.value(qrCodeSvg)
      assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+">.*<\/svg>$/s)
      assert.notInclude(svg, Redacted.value(secret))
      assert.isAtMost(Redacted.value(uri).length, 1024)
      assert.isAtMost(svg.length, 65_536)
    }
  })
})
