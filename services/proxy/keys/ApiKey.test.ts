import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { makeToken } from "#shared/crypto/Token.ts"
import { digestOf, isApplicationId, parseApiKey } from "./ApiKey.ts"

const suffix = "abcdefghijklmn27"
const key = (prefix: string) => Effect.map(makeToken(prefix), Redacted.value)

it.effect("a key names its application and its kind", () =>
  Effect.gen(function* () {
    const applicationId = `app_${suffix}`
    expect(parseApiKey(yield* key(`sk_live_${suffix}_`))).toEqual({ applicationId, kind: "secret" })
    expect(parseApiKey(yield* key(`pk_test_${suffix}_`))).toEqual({ applicationId, kind: "public" })
  }),
)

it.effect("a typo, another prefix or another length is no key", () =>
  Effect.gen(function* () {
    const good = yield* key(`sk_live_${suffix}_`)
    const at = good.length - 20
    const typo = good.slice(0, at) + (good[at] === "a" ? "b" : "a") + good.slice(at + 1)
    const others = [yield* key("sk_live_short_"), yield* key(`rk_live_${suffix}_`), yield* key(`sk_prod_${suffix}_`)]
    for (const text of [typo, good.slice(1), `${good}x`, good.toUpperCase(), "", "x".repeat(10_000), ...others]) {
      expect(parseApiKey(text), text.slice(0, 8)).toBeUndefined()
    }
  }),
)

it("a text too long to be a key is not even hashed", () => {
  expect(digestOf("x".repeat(129))).toBeUndefined()
  expect(digestOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
})

it("an application's id has one form", () => {
  expect(isApplicationId(`app_${suffix}`)).toBe(true)
  for (const text of ["app_", `app_${suffix}a`, `app_${suffix.toUpperCase()}`, suffix, "app_abcdefghijklmn01"]) {
    expect(isApplicationId(text)).toBe(false)
  }
})
