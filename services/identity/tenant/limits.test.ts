/** How often somebody may try credentials at an instance, behind keys that many people share. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { newUuid } from "#shared/ids/Id.ts"
import { request } from "../testing/TestClient.ts"
import { fromProxy, instanceEnvironment, type KeyOptions, running } from "../testing/TestIdentity.ts"

const limited = running({
  ...instanceEnvironment,
  RATE_LIMIT_CREDENTIAL_PER_MINUTE: "1",
  RATE_LIMIT_CREDENTIAL_BURST: "2",
})

/** Somebody else each time, so that no account is locked. */
const signIn = Effect.fnUntraced(function* (address: string, key: KeyOptions) {
  const headers = { ...(yield* fromProxy(key)), "x-forwarded-for": address }
  const body = { email: `${yield* newUuid}@example.com`, password: "not that one" }
  return yield* request("POST", "/auth/signin", { headers, body })
})

layer(limited, { excludeTestServices: true })("an instance", (it) => {
  it.effect("refuses who guesses too often with a public key, and nobody else with the same key", () =>
    Effect.gen(function* () {
      const key = { kind: "public" }
      for (let times = 0; times < 2; times++) {
        assert.strictEqual((yield* signIn("203.0.113.1", key)).status, 401)
      }
      const { status, headers, json } = yield* signIn("203.0.113.1", key)
      assert.deepStrictEqual([status, json.error.reason], [429, "rate_limited"])
      assert.isAbove(Number(headers.get("retry-after")), 50)
      // The proxy tells of the key's rate.
      assert.isNull(headers.get("x-ratelimit-limit"))
      assert.strictEqual((yield* signIn("203.0.113.2", key)).status, 401)
    }),
  )

  it.effect("lets the customer's own program sign many people in from one address", () =>
    Effect.gen(function* () {
      const key = { kind: "secret", scopes: ["*"] }
      for (let times = 0; times < 5; times++) {
        assert.strictEqual((yield* signIn("203.0.113.1", key)).status, 401)
      }
    }),
  )
})
