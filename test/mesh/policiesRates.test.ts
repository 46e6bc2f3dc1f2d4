/** rate_class: who is counted, in which class, and what the refused are told, in every protocol. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe, it as plain } from "vitest"
import { PoliciesService } from "#gen/authsome/testing/v1/policies_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { networkOf } from "#shared/rpc/limits/subjectOf.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import * as Server from "#shared/rpc/Server.ts"
import { wires } from "./casesWire.ts"
import { call, meshKey, Ran, rest, layer as served } from "./policiesProbe.ts"

const { guess, guessByKey, guessInSession, open, spend } = PoliciesService.method

/** Two at once, and for the length of a test no more. */
const two = { burst: 2, perMinute: 1 }

const limited = (straight: boolean, told = true) =>
  served({
    straight,
    trustedHops: 1,
    limits: RateLimits.layer({ rates: { DEFAULT: { burst: 50, perMinute: 1 }, CREDENTIAL: two, COSTLY: two }, told }),
  })

/** From somewhere else than all other calls. */
const from = (address: string) => ({ "x-forwarded-for": address })

for (const straight of [true, false]) {
  layer(limited(straight), { excludeTestServices: true })(
    straight ? "the straight way" : "the general adapter",
    (it) => {
      for (const [index, wire] of wires.entries()) {
        it.effect(
          `${wire.name}: the third of two calls is refused before its handler, and told when to come again`,
          () =>
            Effect.gen(function* () {
              const { rpcs } = yield* Ran
              const here = from(`192.0.2.${index}`)
              expect((yield* call(wire, guess, {}, here)).code).toBe("ok")
              expect((yield* call(wire, guess, {}, here)).code).toBe("ok")
              const before = rpcs.length
              const answer = yield* call(wire, guess, {}, here)
              expect(answer).toMatchObject({ code: "resource_exhausted", reason: "RATE_LIMITED" })
              expect(answer.retryAfterMs).toBeGreaterThan(50_000)
              expect(answer.raw.headers).toMatchObject({ "x-ratelimit-limit": "2", "x-ratelimit-remaining": "0" })
              expect(rpcs.length).toBe(before)
              expect((yield* call(wire, guess, {}, from("198.51.100.1"))).code).toBe(
                index < 2 ? "ok" : "resource_exhausted",
              )
            }),
        )

        it.effect(`${wire.name}: users are counted wherever they are, each for themselves`, () =>
          Effect.gen(function* () {
            const as = (user: string, address: string) =>
              Effect.map(
                call(wire, spend, {}, { authorization: `Bearer ${user}`, ...from(address) }),
                ({ code }) => code,
              )
            const [ada, bob] = [`ada-${wire.face}-${index}`, `bob-${wire.face}-${index}`]
            expect(yield* as(ada, "192.0.2.1")).toBe("ok")
            expect(yield* as(ada, "192.0.2.2")).toBe("ok")
            expect(yield* as(ada, "192.0.2.3")).toBe("resource_exhausted")
            expect(yield* as(bob, "192.0.2.1")).toBe("ok")
          }),
        )
      }
    },
  )
}

layer(limited(true), { excludeTestServices: true })("the rates of callers", (it) => {
  const [grpc] = wires
  if (grpc === undefined) throw new Error("there is no protocol")
  const codeOf = (...args: Parameters<typeof call>) => Effect.map(call(...args), ({ code }) => code)

  it.effect("REST answers 429 with Retry-After, and tells in every answer what is left", () =>
    Effect.gen(function* () {
      const here = from("203.0.113.1")
      const first = yield* rest("POST", "guess", here, {})
      expect([first.status, first.headers.get("x-ratelimit-remaining")]).toEqual([204, "1"])
      yield* rest("POST", "guess", here, {})
      const { status, headers, json } = yield* rest("POST", "guess", here, {})
      expect([status, json.error.code, json.error.reason]).toEqual([429, "rate_limit_exceeded", "rate_limited"])
      const retryAfter = Number(headers.get("retry-after"))
      expect(retryAfter).toBeGreaterThan(50)
      expect(retryAfter).toBeLessThanOrEqual(60)
      expect(json.error.retryAfter).toBe(retryAfter)
      expect([headers.get("x-ratelimit-limit"), headers.get("x-ratelimit-remaining")]).toEqual(["2", "0"])
      expect(headers.get("x-ratelimit-reset")).toMatch(/^\d{10}$/)
    }),
  )

  it.effect("a request that nobody could read counts too", () =>
    Effect.gen(function* () {
      const here = from("203.0.113.2")
      for (const status of [400, 400, 429]) {
        expect((yield* rest("POST", "guess", { ...here, "content-type": "application/json" }, [])).status).toBe(status)
      }
    }),
  )

  it.effect("a stranger is no caller, and is not counted as one", () =>
    Effect.gen(function* () {
      for (let times = 0; times < 4; times++) expect(yield* codeOf(grpc, spend)).toBe("unauthenticated")
    }),
  )

  it.effect("each class has a rate of its own, and one for all of its rpcs", () =>
    Effect.gen(function* () {
      const here = { ...from("203.0.113.3"), "x-key": "public:key_1" }
      yield* codeOf(grpc, guess, {}, here)
      yield* codeOf(grpc, guess, {}, here)
      expect(yield* codeOf(grpc, guess, {}, here)).toBe("resource_exhausted")
      const { raw } = yield* call(grpc, open, {}, here)
      expect(raw.headers["x-ratelimit-limit"]).toBe("50")
    }),
  )

  it.effect("behind a public key everybody is who their network is; a secret key answers for many", () =>
    Effect.gen(function* () {
      const ask = (key: string, address: string) => codeOf(grpc, guessByKey, {}, { "x-key": key, ...from(address) })
      expect(yield* ask("public:key_1", "203.0.113.4")).toBe("ok")
      expect(yield* ask("public:key_2", "203.0.113.4")).toBe("ok")
      expect(yield* ask("public:key_3", "203.0.113.4")).toBe("resource_exhausted")
      expect(yield* ask("public:key_1", "203.0.113.5")).toBe("ok")
      for (let times = 0; times < 4; times++) expect(yield* ask("secret:key_4", "203.0.113.6")).toBe("ok")
    }),
  )

  it.effect("end users are counted wherever they are", () =>
    Effect.gen(function* () {
      const ask = (session: string, address: string) =>
        codeOf(grpc, guessInSession, {}, { "x-key": "secret:key_1", "x-session": session, ...from(address) })
      expect(yield* ask("eve", "203.0.113.7")).toBe("ok")
      expect(yield* ask("eve", "203.0.113.8")).toBe("ok")
      expect(yield* ask("eve", "203.0.113.9")).toBe("resource_exhausted")
      expect(yield* ask("fay", "203.0.113.7")).toBe("ok")
    }),
  )

  it.effect("programs of the mesh are not counted", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Server.Listening
      const url = new URL(`http://127.0.0.1:${grpcPort}`)
      const channel = yield* Channel.make({ url, peer: "tester", internalKey: meshKey })
      const client = Client.make(PoliciesService, channel)
      for (let times = 0; times < 5; times++) yield* client.guessForOthers({})
    }).pipe(Effect.scoped),
  )
})

layer(limited(true, false), { excludeTestServices: true })("behind somebody who tells of rates", (it) => {
  it.effect("a server does not", () =>
    Effect.gen(function* () {
      const here = from("203.0.113.1")
      const answers = [yield* rest("POST", "guess", here, {}), yield* rest("POST", "guess", here, {})]
      const refused = yield* rest("POST", "guess", here, {})
      expect([...answers, refused].map(({ headers }) => headers.get("x-ratelimit-limit"))).toEqual([null, null, null])
      expect([refused.status, refused.headers.has("retry-after")]).toEqual([429, true])
    }),
  )
})

layer(served(), { excludeTestServices: true })("a process whose rates are none", (it) => {
  it.effect("counts nobody, and believes no header about where a call comes from", () =>
    Effect.gen(function* () {
      const answer = yield* rest("POST", "open", from("203.0.113.1"), {})
      expect([answer.status, answer.headers.get("x-ratelimit-limit")]).toEqual([200, null])
      expect(networkOf(answer.json.address)).toBe("127.0.0.1")
    }),
  )
})

describe("the network of an address", () => {
  plain.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::192.0.2.33", "64:ff9b:0:0::/64"],
    ["", ""],
  ])("%s is of %s", (address, network) => expect(networkOf(address)).toBe(network))
})
