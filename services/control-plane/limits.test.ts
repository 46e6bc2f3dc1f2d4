/** How often strangers may try credentials, counted by all processes of the control plane together. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Redis } from "#shared/redis/Redis.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestRedis } from "#shared/testing/TestRedis.ts"
import { call, password } from "./testing/TestClient.ts"
import * as TestControlPlane from "./testing/TestControlPlane.ts"

const limited = Layer.unwrap(
  Effect.map(TestRedis, ({ url }) =>
    Layer.merge(
      TestControlPlane.running({
        RATE_LIMIT_CREDENTIAL_PER_MINUTE: "1",
        RATE_LIMIT_CREDENTIAL_BURST: "3",
        TRUSTED_HOPS: "1",
        REDIS_URL: Redacted.value(url),
      }),
      Layer.provide(Redis.layer({ url }), Readiness.layer),
    ),
  ),
).pipe(Layer.provide(TestRedis.layer))

layer(limited, { excludeTestServices: true })("the control plane", (it) => {
  it.effect("refuses who guesses at credentials too often, by the address that the program in front tells", () =>
    Effect.gen(function* () {
      const { get, use } = yield* Redis
      yield* eventually(get("any"))
      const logIn = (address: string) =>
        call("POST", "/auth/login", {
          body: { email: "nobody@example.com", password },
          headers: { "x-forwarded-for": `198.51.100.7, ${address}` },
        })
      const kept = use((client) => client.keys("*"))
      // Until the control plane has its Redis it counts for itself.
      yield* eventually(
        Effect.gen(function* () {
          yield* logIn("203.0.113.250")
          const keys = yield* kept
          if (keys.length === 0) return yield* Effect.fail("nothing is kept")
        }),
      )
      for (let times = 0; times < 3; times++) expect((yield* logIn("203.0.113.1")).status).toBe(401)
      const { status, headers, json } = yield* logIn("203.0.113.1")
      expect([status, json.error.code, json.error.reason]).toEqual([429, "rate_limit_exceeded", "rate_limited"])
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(50)
      expect([headers.get("x-ratelimit-limit"), headers.get("x-ratelimit-remaining")]).toEqual(["3", "0"])
      expect((yield* logIn("203.0.113.2")).status).toBe(401)
      for (const key of yield* kept) expect(key).toMatch(/^rate:control-plane:credential:[\w-]{22}$/)
    }),
  )

  it.effect("counts what is no guess by itself, and tells what is left", () =>
    Effect.gen(function* () {
      const body = { refreshToken: "none" }
      const answer = yield* call("POST", "/auth/refresh", { body, headers: { "x-forwarded-for": "203.0.113.1" } })
      expect(answer.headers.get("x-ratelimit-limit")).toBe("1000")
    }),
  )
})
