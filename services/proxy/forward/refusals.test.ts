import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ApplicationStatus } from "#gen/authsome/control/v1/application_pb.ts"
import { makeToken } from "#shared/crypto/Token.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { exchange } from "../testing/rawHttp.ts"
import { TestControlPlane, type TestKey } from "../testing/TestControlPlane.ts"
import { answerOk, TestInstance } from "../testing/TestInstance.ts"
import * as TestProxy from "../testing/TestProxy.ts"

const otherId = "app_zzzzzzzzzzzzzzzz"
const codeOf = ({ text }: { readonly text: string }) => JSON.parse(text).error

const world = Effect.gen(function* () {
  const controlPlane = yield* TestControlPlane
  const instance = yield* TestInstance
  instance.answer = answerOk
  instance.seen.length = 0
  const proxy = yield* TestProxy.start()
  const key = yield* controlPlane.application(instance.url)
  return { controlPlane, instance, proxy, key }
})

const withText = (key: TestKey, text: string): TestKey => ({ ...key, text })

layer(TestProxy.worldLayer, { excludeTestServices: true })("the proxy refuses", (it) => {
  it.effect("a key that is missing, malformed, unknown or another application's, in the documented shape", () =>
    Effect.gen(function* () {
      const { controlPlane, instance, proxy, key } = yield* world
      const other = yield* controlPlane.application(instance.url)
      const unknown = Redacted.value(yield* makeToken(`sk_live_${key.route.applicationId.slice(4)}_`))
      const typo = `${key.text.slice(0, -1)}${key.text.endsWith("a") ? "b" : "a"}`
      const { applicationId: application } = key.route
      const answers = [
        yield* proxy.fetch(undefined, "/session", { application }),
        yield* proxy.fetch(withText(key, "sk_live_nonsense"), "/session"),
        yield* proxy.fetch(withText(key, typo), "/session"),
        yield* proxy.fetch(withText(key, unknown), "/session"),
        yield* proxy.fetch(other, "/session", { application }),
      ]
      for (const answer of answers) {
        const requestId = answer.headers.get("x-authsome-request-id")
        expect(requestId).toMatch(/^req_[a-z2-7]{26}$/)
        expect([answer.status, codeOf(answer)]).toEqual([
          401,
          { code: "unauthorized", message: expect.any(String), reason: "invalid_key", requestId },
        ])
      }
      expect(instance.seen).toEqual([])
    }),
  )

  it.effect("an application that does not exist, whosever the key is", () =>
    Effect.gen(function* () {
      const { controlPlane, proxy, key } = yield* world
      const own = withText(key, Redacted.value(yield* makeToken("sk_live_zzzzzzzzzzzzzzzz_")))
      for (const each of [key, own]) {
        const answer = yield* proxy.fetch(each, "/session", { application: otherId })
        expect([answer.status, codeOf(answer).reason]).toEqual([404, "unknown_application"])
      }
      const malformed = yield* proxy.fetch(key, "/session", { application: "app_UPPER" })
      expect([malformed.status, codeOf(malformed).reason]).toEqual([404, "unknown_application"])
      const noKey = yield* proxy.fetch(undefined, "/session", { application: otherId })
      expect(noKey.status).toBe(401)
      const asked = controlPlane.askedInAll()
      yield* proxy.fetch(key, "/session", { application: otherId })
      yield* proxy.fetch(own, "/session", { application: otherId })
      expect(controlPlane.askedInAll(), "it remembers that there is none").toBe(asked)
    }),
  )

  it.effect("an application that is not served now, with the reason", () =>
    Effect.gen(function* () {
      const { controlPlane, proxy, instance } = yield* world
      const cases = [
        [ApplicationStatus.PROVISIONING, 503, "application_provisioning", "5"],
        [ApplicationStatus.SUSPENDED, 503, "application_suspended", null],
        [ApplicationStatus.FAILED, 503, "application_failed", null],
        [ApplicationStatus.DELETING, 503, "application_deleting", null],
        [ApplicationStatus.DELETED, 404, "unknown_application", null],
        [ApplicationStatus.UNSPECIFIED, 503, "instance_unavailable", "1"],
      ] as const
      for (const [status, code, reason, retryAfter] of cases) {
        const key = yield* controlPlane.application(instance.url, { status, statusReason: "because" })
        const answer = yield* proxy.fetch(key, "/session")
        expect([answer.status, codeOf(answer).reason, answer.headers.get("retry-after")]).toEqual([
          code,
          reason,
          retryAfter,
        ])
      }
      const restarting = yield* controlPlane.application(instance.url, { status: ApplicationStatus.RESTARTING })
      expect((yield* proxy.fetch(restarting, "/session")).status).toBe(200)
      const nowhere = yield* controlPlane.application("")
      expect(codeOf(yield* proxy.fetch(nowhere, "/session")).reason).toBe("instance_unavailable")
      const dead = yield* controlPlane.application("http://127.0.0.1:1")
      const answer = yield* proxy.fetch(dead, "/session", { method: "POST", body: "{}" })
      expect([answer.status, codeOf(answer).reason, codeOf(answer).retryAfter]).toEqual([
        503,
        "instance_unavailable",
        1,
      ])
    }),
  )

  it.effect("a key that has expired, and one from another web origin", () =>
    Effect.gen(function* () {
      const { controlPlane, proxy, key } = yield* world
      const expired = yield* controlPlane.key(key, "sk", { keyExpiresAt: timestampFromMs(1000) })
      expect((yield* proxy.fetch(expired, "/session")).status).toBe(401)
      const browser = yield* controlPlane.key(key, "pk", { allowedOrigins: ["https://shop.example"] })
      const from = (origin: string) => proxy.fetch(browser, "/session", { headers: { origin } })
      expect((yield* from("https://shop.example")).status).toBe(200)
      const answer = yield* from("https://evil.example")
      expect([answer.status, codeOf(answer).reason]).toEqual([403, "scope_missing"])
    }),
  )

  it.effect("more requests of a key than its rate, and says when to come again", () =>
    Effect.gen(function* () {
      const { controlPlane, proxy, instance } = yield* world
      const key = yield* controlPlane.application(instance.url, { rateLimitPerSecond: 2 })
      const other = yield* controlPlane.key(key, "pk")
      const answers = yield* Effect.all(
        Array.from({ length: 30 }, () => proxy.fetch(key, "/session")),
        { concurrency: "unbounded" },
      )
      expect(answers.some((answer) => answer.status === 200)).toBe(true)
      const limited = answers.find((answer) => answer.status === 429)
      expect(codeOf(limited ?? { text: "" })).toMatchObject({ code: "rate_limit_exceeded", retryAfter: 1 })
      expect(limited?.headers.get("retry-after")).toBe("1")
      expect(limited?.headers.get("x-ratelimit-limit")).toBe("2")
      expect(limited?.headers.get("x-ratelimit-remaining")).toBe("0")
      expect(Number(limited?.headers.get("x-ratelimit-reset"))).toBeGreaterThan(1_700_000_000)
      expect((yield* proxy.fetch(other, "/session")).status, "another key has a rate of its own").toBe(200)
      const again = yield* eventually(
        Effect.flatMap(proxy.fetch(key, "/session"), ({ status }) =>
          status === 200 ? Effect.succeed(status) : Effect.fail(status),
        ),
      )
      expect(again).toBe(200)
    }),
  )

  it.effect("a body over the limit, whether its length is told or not", () =>
    Effect.gen(function* () {
      const { proxy, key, instance } = yield* world
      const limit = 256 * 1024
      const chunk = new Uint8Array(32 * 1024)
      const chunked = (chunks: number) =>
        proxy.fetch(key, "/upload", {
          method: "POST",
          body: ReadableStream.from(Array.from({ length: chunks }, () => chunk)),
          duplex: "half",
        })
      expect((yield* chunked(limit / chunk.length)).status).toBe(200)
      const told = yield* proxy.fetch(key, "/upload", { method: "POST", body: new Uint8Array(limit + 1) })
      for (const answer of [told, yield* chunked(limit / chunk.length + 1), yield* chunked(100)]) {
        expect([answer.status, codeOf(answer)]).toMatchObject([
          413,
          { code: "request_too_large", reason: "message_too_large" },
        ])
      }
      expect(instance.seen.map(({ body }) => body.length)).toEqual([limit])
    }),
  )

  it.effect("paths that lead out of the instance, upgrades, tunnels and echoes", () =>
    Effect.gen(function* () {
      const { proxy, key, instance } = yield* world
      const { applicationId } = key.route
      const ask = (head: string, ...more: ReadonlyArray<string>) =>
        exchange(proxy.port, [head, "Host: x", `X-API-Key: ${key.text}`, "Connection: close", ...more])
      const statusOf = (answer: string) => answer.slice(9, 12)
      const paths = ["/..", "/%2e%2e/health", "/a%2fb", "//health", "/a\\b", "/a%00", "/a#b"]
      for (const path of paths) {
        expect(statusOf(yield* ask(`GET /v1/${applicationId}${path} HTTP/1.1`)), path).toBe("400")
      }
      const upgrade = ["Connection: upgrade", "Upgrade: websocket"]
      expect(statusOf(yield* ask(`GET /v1/${applicationId}/ws HTTP/1.1`, ...upgrade))).toBe("501")
      expect(statusOf(yield* ask(`TRACE /v1/${applicationId}/x HTTP/1.1`))).toBe("501")
      expect(yield* ask(`CONNECT /v1/${applicationId}/x HTTP/1.1`)).not.toContain(" 200 ")
      expect(statusOf(yield* ask("GET /v1 HTTP/1.1"))).toBe("404")
      expect(instance.seen).toEqual([])
      expect(statusOf(yield* ask(`GET /v1/${applicationId}/plain HTTP/1.1`))).toBe("200")
    }),
  )

  it.effect("more than an instance can take, while others are served", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const instance = yield* TestInstance
      const proxy = yield* TestProxy.start({ upstreamConnections: 1 })
      instance.answer = answerOk
      const slow = yield* controlPlane.application(instance.url.replace("127.0.0.1", "localhost"))
      const other = yield* controlPlane.application(instance.url)
      const waiting: Array<() => void> = []
      instance.answer = (request, response) => {
        if (request.headers.host?.startsWith("localhost")) waiting.push(() => response.end("late"))
        else answerOk(request, response)
      }
      const open = () => {
        instance.answer = answerOk
        for (const answer of waiting) answer()
      }
      const refusals = proxy.metric('authsome_proxy_requests_total{outcome="instance_unavailable"}')
      const before = yield* refusals
      const [answers] = yield* Effect.all(
        [
          Effect.all(
            Array.from({ length: 12 }, () => proxy.fetch(slow, "/slow")),
            { concurrency: "unbounded" },
          ),
          eventually(Effect.flatMap(refusals, (count) => (count < before + 3 ? Effect.fail(count) : Effect.void))).pipe(
            Effect.andThen(proxy.fetch(other, "/quick")),
            Effect.tap(({ status }) => Effect.sync(() => expect(status).toBe(200))),
            Effect.andThen(Effect.sync(open)),
          ),
        ],
        { concurrency: 2 },
      )
      const statuses = answers.map(({ status }) => status)
      expect(statuses.filter((status) => status === 503)).toHaveLength(3)
      expect(statuses.filter((status) => status === 200)).toHaveLength(9)
    }),
  )
})
