import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "#shared/testing/eventually.ts"
import { TestControlPlane } from "../testing/TestControlPlane.ts"
import { answerOk, TestInstance } from "../testing/TestInstance.ts"
import * as TestProxy from "../testing/TestProxy.ts"

const shop = "https://shop.example"

const world = Effect.gen(function* () {
  const controlPlane = yield* TestControlPlane
  const instance = yield* TestInstance
  instance.answer = answerOk
  instance.seen.length = 0
  const proxy = yield* TestProxy.start()
  const key = yield* controlPlane.application(instance.url)
  return { controlPlane, instance, proxy, key }
})

const preflight = { method: "OPTIONS", headers: { origin: shop, "access-control-request-method": "POST" } }
const words = (header: string | null) => header?.split(", ")

layer(TestProxy.worldLayer, { excludeTestServices: true })("a page of a customer's site", (it) => {
  it.effect("is told by a preflight, without a key, how to call; and nobody is charged for it", () =>
    Effect.gen(function* () {
      const { instance, proxy, key } = yield* world
      const { applicationId: application } = key.route
      const { status, headers, text } = yield* proxy.fetch(undefined, "/auth/signin", { ...preflight, application })
      expect([status, text]).toEqual([204, ""])
      expect(headers.get("access-control-allow-origin")).toBe(shop)
      expect(headers.get("vary")).toBe("Origin")
      expect(headers.get("access-control-allow-credentials")).toBeNull()
      expect(words(headers.get("access-control-allow-methods"))).toEqual(
        expect.arrayContaining(["GET", "POST", "PATCH", "DELETE"]),
      )
      expect(words(headers.get("access-control-allow-headers"))).toEqual(
        expect.arrayContaining(["authorization", "content-type", "x-authsome-session"]),
      )
      expect(Number(headers.get("access-control-max-age"))).toBeGreaterThan(0)

      yield* proxy.fetch(key, "/session", { headers: { origin: shop } })
      const rpc = yield* proxy.rpc
      yield* eventually(
        Effect.filterOrFail(rpc.getStats({}), ({ metering }) => metering?.waiting === 0 && metering.published === 1n),
      )
      expect(instance.seen.map(({ method }) => method)).toEqual(["GET"])
    }),
  )

  it.effect("may read answers and refusals, with the headers that it needs", () =>
    Effect.gen(function* () {
      const { instance, proxy, key } = yield* world
      // Whatever an instance says of other origins, it says to the proxy alone.
      instance.answer = (request, response) => {
        request.resume()
        response
          .writeHead(200, { "access-control-allow-origin": "*", "access-control-allow-credentials": "true" })
          .end()
      }
      const page = { headers: { origin: shop } }
      const served = yield* proxy.fetch(key, "/session", page)
      const refused = yield* proxy.fetch({ ...key, text: "pk_live_nonsense" }, "/session", page)
      expect([served.status, refused.status]).toEqual([200, 401])
      for (const { headers } of [served, refused]) {
        expect(headers.get("access-control-allow-origin")).toBe(shop)
        expect(headers.get("access-control-allow-credentials")).toBeNull()
        expect(headers.get("vary")).toBe("Origin")
        expect(words(headers.get("access-control-expose-headers"))).toEqual(
          expect.arrayContaining(["x-authsome-request-id", "x-ratelimit-remaining", "retry-after"]),
        )
      }
      const program = yield* proxy.fetch(key, "/session")
      expect([...program.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([])
    }),
  )

  it.effect("reads nothing with a key that is another origin's, which is refused", () =>
    Effect.gen(function* () {
      const { controlPlane, instance, proxy, key } = yield* world
      const own = yield* controlPlane.key(key, "pk", { allowedOrigins: ["https://other.example"] })
      const { status, headers } = yield* proxy.fetch(own, "/session", { headers: { origin: shop } })
      expect([status, headers.get("access-control-allow-origin"), instance.seen]).toEqual([403, null, []])
      const there = yield* proxy.fetch(own, "/session", { headers: { origin: "https://other.example" } })
      expect([there.status, there.headers.get("access-control-allow-origin")]).toEqual([200, "https://other.example"])
    }),
  )

  it.effect("has no other OPTIONS answered without a key", () =>
    Effect.gen(function* () {
      const { proxy, key } = yield* world
      const { applicationId: application } = key.route
      for (const headers of [{ origin: shop }, { "access-control-request-method": "GET" }]) {
        const { status } = yield* proxy.fetch(undefined, "/session", { method: "OPTIONS", headers, application })
        expect(status).toBe(401)
      }
    }),
  )
})
