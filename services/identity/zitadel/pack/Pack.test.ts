import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { claimRules } from "../claims.ts"
import { actionNames, isDenied, makePack, sizeOf } from "./Pack.ts"

const url = new URL("http://identity-service:8081")
const key = Redacted.make("the-internal-key")
const pack = makePack({ identityUrl: url, key })

describe("the pack of actions", () => {
  it.effect("has two actions of which neither can fail a login, in their order", () =>
    Effect.gen(function* () {
      const actions = yield* pack
      assert.deepStrictEqual(
        actions.map(({ name, timeout, allowedToFail }) => [name, timeout, allowedToFail]),
        [
          ["nova_claims_enrichment", "1s", true],
          ["nova_claims_fallback", "1s", true],
        ],
      )
      assert.deepStrictEqual(
        actions.map(({ name }) => name),
        actionNames,
      )
    }),
  )

  it.effect("has the address and the key written in, the key in the first action only", () =>
    Effect.gen(function* () {
      const [enrichment, fallback] = yield* pack
      assert.include(enrichment?.script, '"http://identity-service:8081/internal/zitadel/user-claims/"')
      assert.include(enrichment?.script, '"the-internal-key"')
      assert.notInclude(fallback?.script, "the-internal-key")
      assert.notInclude(fallback?.script, "fetch")
    }),
  )

  it.effect("is short, and needs nothing that goja lacks or Zitadel does not promise", () =>
    Effect.gen(function* () {
      for (const action of yield* pack) {
        assert.isBelow(sizeOf(action), 10_000)
        const code = action.script.replaceAll(/^\s*\/\/.*$/gm, "")
        const lacking = [
          "process",
          "async",
          "await",
          "Promise",
          "console",
          "setTimeout",
          ".json()",
          "=>",
          "`",
          "?.",
          "??",
        ]
        for (const word of lacking) assert.notInclude(code, word)
        assert.notMatch(code, /\b(let|const|class)\b/)
        assert.include(code, `function ${action.name}(ctx, api)`)
      }
    }),
  )

  it.effect("lets in what the table of claims names for tokens, and nothing else", () =>
    Effect.gen(function* () {
      const [enrichment] = yield* pack
      for (const { claim, tokenClaim } of claimRules) {
        const allowed = JSON.stringify({ claim, token: tokenClaim }).slice(0, -1)
        if (tokenClaim === undefined) assert.notInclude(enrichment?.script, JSON.stringify({ claim }).slice(0, -1))
        else assert.include(enrichment?.script, allowed)
      }
    }),
  )

  it.effect("is not made of what could not work", () =>
    Effect.gen(function* () {
      const wrong = [
        [new URL("ftp://identity-service"), "key"],
        [new URL("http://user@identity-service"), "key"],
        [new URL("http://:password@identity-service"), "key"],
        [new URL("http://identity-service/?a=b"), "key"],
        [url, ""],
        [url, "old,new"],
        [url, "two words"],
        [url, "schlüssel"],
        [url, "k".repeat(40_000)],
      ] as const
      for (const [identityUrl, text] of wrong) {
        const error = yield* Effect.flip(makePack({ identityUrl, key: Redacted.make(text) }))
        assert.strictEqual(error._tag, "PackRefused")
        if (text !== "") assert.notInclude(error.message, text === "key" ? "=b" : text)
      }
    }),
  )
})

describe("what Zitadel's deny list refuses", () => {
  it.each(["http://localhost:8081", "http://127.0.0.1", "http://127.1.2.3:80", "http://[::1]:8081"])(
    "is %s",
    (text) => {
      assert.isTrue(isDenied(new URL(text)))
    },
  )

  it.each(["http://identity-service:8081", "http://localhost.example", "http://10.0.0.1"])("is not %s", (text) => {
    assert.isFalse(isDenied(new URL(text)))
  })
})
