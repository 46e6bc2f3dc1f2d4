import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { makeToken, opaqueToken, parseToken } from "./Token.ts"

it.effect("a token tells its prefix and last four characters", () =>
  Effect.gen(function* () {
    const token = Redacted.value(yield* makeToken("sk_live_abcdefgh_"))
    assert.match(token, /^sk_live_abcdefgh_[0-9A-Za-z]{49}$/)
    assert.deepStrictEqual(parseToken(token), Option.some({ prefix: "sk_live_abcdefgh_", lastFour: token.slice(-4) }))
  }),
)

it.effect("the checksum rejects every single typo, a lost character and an exchanged prefix", () =>
  Effect.gen(function* () {
    const token = Redacted.value(yield* makeToken("sk_live_a_"))
    for (let index = 0; index < token.length; index++) {
      const other = token[index] === "x" ? "y" : "x"
      const typo = token.slice(0, index) + other + token.slice(index + 1)
      assert.isTrue(Option.isNone(parseToken(typo)), `position ${index}`)
    }
    assert.isTrue(Option.isNone(parseToken(token.slice(0, -1))))
    assert.isTrue(Option.isNone(parseToken(token.replace("live", "test"))))
    assert.isTrue(Option.isNone(parseToken(`${token}\n`)))
    assert.isTrue(Option.isNone(parseToken("")))
  }),
)

it.effect("secrets do not show when they are printed", () =>
  Effect.gen(function* () {
    const secret = yield* opaqueToken
    assert.match(Redacted.value(secret), /^[A-Za-z0-9_-]{43}$/)
    assert.notInclude(`${secret}${JSON.stringify({ secret })}`, Redacted.value(secret))
  }),
)
