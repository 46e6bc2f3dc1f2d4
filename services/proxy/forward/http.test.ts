import { createHash } from "node:crypto"
import { request as httpRequest, type IncomingMessage } from "node:http"
import { expect, layer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { JwtVerifier } from "#shared/crypto/Jwt.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { exchange } from "../testing/rawHttp.ts"
import { TestControlPlane, type TestKey } from "../testing/TestControlPlane.ts"
import { answerOk, TestInstance } from "../testing/TestInstance.ts"
import * as TestProxy from "../testing/TestProxy.ts"

const world = Effect.gen(function* () {
  const controlPlane = yield* TestControlPlane
  const instance = yield* TestInstance
  instance.answer = answerOk
  instance.seen.length = 0
  const proxy = yield* TestProxy.start()
  const key = yield* controlPlane.application(instance.url)
  return { controlPlane, instance, proxy, key }
})

type World = Effect.Success<typeof world>

/** A request by Node's own client, whose body the caller writes. */
const open = ({ proxy }: World, key: TestKey, path: string) => {
  const request = httpRequest({
    ...{ port: proxy.port, method: "POST", path: `/v1/${key.route.applicationId}${path}`, agent: false },
    headers: { authorization: `Bearer ${key.text}` },
  })
  request.on("error", () => {})
  return request
}

const outcome = ({ proxy }: World, name: string) => proxy.metric(`authsome_proxy_requests_total{outcome="${name}"}`)

const becomes = (count: Effect.Effect<number>, expected: number) =>
  eventually(Effect.flatMap(count, (now) => (now >= expected ? Effect.succeed(now) : Effect.fail(now))))

layer(TestProxy.worldLayer, { excludeTestServices: true })("a customer's request", (it) => {
  it.effect("reaches the instance with the proxy's word for its key, and nothing that only the proxy may say", () =>
    Effect.gen(function* () {
      const { proxy, key, instance } = yield* world
      const theirs = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`
      const answer = yield* proxy.fetch(key, "/users/usr_1?expand=a%2Fb", {
        method: "PATCH",
        body: '{"name":"Ada"}',
        headers: {
          "x-authsome-session": "session-token",
          "x-authsome-identity": "forged",
          "x-forwarded-for": "6.6.6.6",
          "x-internal-api-key": "forged",
          "x-request-id": "req_fromthecustomer",
          traceparent: theirs,
        },
      })
      expect(answer.status).toBe(200)
      const [seen] = instance.seen
      expect([seen?.method, seen?.url, seen?.body.toString()]).toEqual([
        "PATCH",
        "/users/usr_1?expand=a%2Fb",
        '{"name":"Ada"}',
      ])
      expect(seen?.headers).toMatchObject({
        "x-authsome-session": "session-token",
        "x-request-id": "req_fromthecustomer",
        "x-forwarded-for": "127.0.0.1",
        "content-length": "14",
        traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/),
      })
      expect(seen?.headers["traceparent"]).not.toContain("a".repeat(32))
      for (const name of ["authorization", "x-api-key", "x-internal-api-key"])
        expect(seen?.headers[name]).toBeUndefined()

      const verifier = yield* JwtVerifier.make({ keys: TestProxy.identityPublicKey, issuer: "authsome-proxy" })
      const token = String(seen?.headers["x-authsome-identity"])
      const { subject, claims, issuedAt, expiresAt } = yield* verifier.verify(token, key.route.applicationId)
      expect([subject, claims["kind"], claims["scp"], expiresAt - issuedAt]).toEqual([
        key.route.keyId,
        "secret",
        ["users:read", "users:write"],
        300,
      ])
    }),
  )

  it.effect("is answered with the instance's headers and the documented ones, without what is the proxy's alone", () =>
    Effect.gen(function* () {
      const { proxy, key, instance } = yield* world
      instance.answer = (_request, response) =>
        response
          .writeHead(201, [
            ...["content-type", "application/json", "set-cookie", "a=1", "set-cookie", "b=2", "x-request-id", "req_x"],
            ...["X-AuthSome-Active-User", `usr_${"a".repeat(26)}`, "X-AuthSome-Route", "/auth/signup"],
            ...["Connection", "close, x-hop", "x-hop", "1"],
          ])
          .end("{}")
      const { status, headers, text } = yield* proxy.fetch(key, "/auth/signup", { method: "POST" })
      expect([status, text, headers.getSetCookie()]).toEqual([201, "{}", ["a=1", "b=2"]])
      expect(Object.fromEntries(headers)).toMatchObject({
        "content-type": "application/json",
        "x-authsome-app-id": key.route.applicationId,
        "x-authsome-region": "test-1",
        "x-authsome-request-id": expect.stringMatching(/^req_/),
        "x-ratelimit-limit": "10000",
        "x-ratelimit-remaining": "9999",
        "x-ratelimit-reset": expect.stringMatching(/^\d{10}$/),
      })
      for (const name of ["x-authsome-active-user", "x-authsome-route", "x-hop"]) expect(headers.get(name)).toBeNull()
    }),
  )

  it.effect("may bring its key in X-API-Key, have no path, and be a HEAD", () =>
    Effect.gen(function* () {
      const { proxy, key, instance } = yield* world
      const head = [`HEAD /v1/${key.route.applicationId}?a=1 HTTP/1.1`, "Host: x", `X-API-Key: ${key.text}`]
      const answer = yield* exchange(proxy.port, [...head, "Connection: close"])
      expect(answer).toMatch(/^HTTP\/1.1 200 /)
      expect(answer).toMatch(/\r\n\r\n$/)
      expect([instance.seen[0]?.method, instance.seen[0]?.url]).toEqual(["HEAD", "/?a=1"])
    }),
  )

  it.effect("streams both ways at once", () =>
    Effect.gen(function* () {
      const here = yield* world
      here.instance.answer = (request, response) => {
        response.writeHead(200)
        response.flushHeaders()
        request.pipe(response)
      }
      const request = open(here, here.key, "/echo")
      const response = yield* Effect.callback<IncomingMessage>((resume) => {
        request.once("response", (answer) => resume(Effect.succeed(answer)))
        request.write("first")
      })
      const next = Effect.callback<string>((resume) => {
        response.once("data", (chunk: Buffer) => resume(Effect.succeed(chunk.toString())))
      })
      expect(yield* next).toBe("first")
      request.write("second")
      expect(yield* next).toBe("second")
      yield* Effect.callback<void>((resume) => {
        response.once("end", () => resume(Effect.void))
        request.end()
      })
    }),
  )

  it.effect("gets large answers whole, and sends large bodies whole", () =>
    Effect.gen(function* () {
      const { proxy, key, instance } = yield* world
      const large = Buffer.alloc(5_000_000, "0123456789abcdef")
      instance.answer = (_request, response) => response.end(large)
      const body = large.subarray(0, 200_000)
      const answer = yield* proxy.fetch(key, "/large", { method: "POST", body })
      const digest = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex")
      expect(digest(answer.text)).toBe(digest(large))
      yield* eventually(Effect.suspend(() => (instance.seen.length === 0 ? Effect.fail("not yet") : Effect.void)))
      expect(digest(instance.seen[0]?.body ?? "")).toBe(digest(body))
    }),
  )

  it.effect("gets the bytes of its answer as they are, with or without a length", () =>
    Effect.gen(function* () {
      const { proxy, key, instance } = yield* world
      const bytes = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256))
      for (const head of [{ "content-length": String(bytes.length) }, {}]) {
        instance.answer = (_request, response) => response.writeHead(200, head).end(bytes)
        const url = `${proxy.url}/v1/${key.route.applicationId}/bytes`
        const answer = yield* Effect.promise(async () => {
          const response = await fetch(url, { headers: { "x-api-key": key.text } })
          return Buffer.from(await response.arrayBuffer())
        })
        expect(answer.equals(bytes)).toBe(true)
      }
    }),
  )

  it.effect("that its customer gives up is given up at the instance", () =>
    Effect.gen(function* () {
      const here = yield* world
      const arrived = yield* Deferred.make<void>()
      const dropped = yield* Deferred.make<void>()
      here.instance.answer = (_request, response) => {
        response.on("close", () => Deferred.doneUnsafe(dropped, Effect.void))
        Deferred.doneUnsafe(arrived, Effect.void)
      }
      const before = yield* outcome(here, "customer_hung_up")
      const request = open(here, here.key, "/slow")
      request.end()
      yield* Deferred.await(arrived)
      request.destroy()
      yield* Deferred.await(dropped)
      yield* becomes(outcome(here, "customer_hung_up"), before + 1)
    }),
  )

  it.effect("whose answer breaks off is not taken for a whole one", () =>
    Effect.gen(function* () {
      const here = yield* world
      here.instance.answer = (_request, response) => {
        response.writeHead(200, { "content-length": "100" })
        response.write("half", () => response.destroy())
      }
      const before = yield* outcome(here, "instance_broke")
      const request = open(here, here.key, "/half")
      const ended = yield* Effect.callback<string>((resume) => {
        request.once("response", (response) => {
          response.on("end", () => resume(Effect.succeed("whole")))
          response.on("error", () => resume(Effect.succeed("broken")))
          response.resume()
        })
        request.end()
      })
      expect(ended).toBe("broken")
      yield* becomes(outcome(here, "instance_broke"), before + 1)
    }),
  )

  it.effect("is refused when the instance does not begin its answer in time, or hangs up on it", () =>
    Effect.gen(function* () {
      const { key, instance } = yield* world
      const impatient = yield* TestProxy.start({ upstreamTimeout: Duration.millis(50) })
      instance.answer = () => {}
      const late = yield* impatient.fetch(key, "/slow", { method: "POST", body: "{}" })
      expect([late.status, JSON.parse(late.text).error.reason]).toEqual([503, "instance_unavailable"])
      instance.answer = (request) => request.socket.destroy()
      const broken = yield* impatient.fetch(key, "/broken", { method: "POST", body: new Uint8Array(100_000) })
      expect([broken.status, JSON.parse(broken.text).error.reason]).toEqual([503, "instance_unavailable"])
      instance.answer = answerOk
      expect((yield* impatient.fetch(key, "/again")).status).toBe(200)
    }),
  )

  it.effect("elsewhere is not the proxy's", () =>
    Effect.gen(function* () {
      const { proxy, key } = yield* world
      const at = (path: string) => Effect.promise(() => fetch(`${proxy.url}${path}`))
      expect((yield* at("/health")).status).toBe(200)
      expect((yield* at(`/v2/${key.route.applicationId}/session`)).status).toBe(404)
      expect((yield* at("/metrics")).status).toBe(404)
    }),
  )
})
