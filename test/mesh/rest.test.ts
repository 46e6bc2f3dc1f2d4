import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Listening } from "#shared/rpc/Server.ts"
import * as Probe from "./Probe.ts"
import { call, reader } from "./restCall.ts"

layer(Probe.layer, { excludeTestServices: true })("REST from the contract", (it) => {
  it.effect("answers in the documented JSON: short enum names, numbers, decimal money, RFC 3339", () =>
    Effect.gen(function* () {
      const item = {
        id: "itm_1",
        displayName: "Ada",
        kind: "square",
        sizeBytes: 6_000_000_000,
        labels: ["a"],
        createdAt: "2026-01-02T03:04:05Z",
        parts: { inner: { displayName: "In", kind: "round" } },
      }
      const { status, json } = yield* call("POST", "/probe/v1/echo", { body: { item } })
      expect(status).toBe(201)
      expect(json.item).toMatchObject(item)
      expect(json.item.note).toBeUndefined()
    }),
  )

  it.effect("answers the bare resource where the contract says response_body", () =>
    Effect.gen(function* () {
      const { status, json, headers } = yield* call("GET", "/probe/v1/items/itm_1", { headers: reader })
      expect(status).toBe(200)
      expect(json).toMatchObject({ id: "itm_1", kind: "round", sizeBytes: 5_000_000_000, labels: [] })
      expect(headers.get("x-probe-route")).toBe("/probe/v1/items/{item_id}")
      expect(headers.get("x-request-id")).toMatch(/^req_/)
    }),
  )

  it.effect("takes nested, repeated and boolean query parameters and a second path", () =>
    Effect.gen(function* () {
      const one = yield* call(
        "GET",
        "/probe/v1/items?filter.kind=round&filter.labels=a&filter.labels=b&filter.large=true&page=2",
      )
      expect(one.json.filter).toEqual({ kind: "round", labels: ["a", "b"], large: true })
      const two = yield* call("GET", "/probe/v1/kinds/square/items")
      expect(two.json.filter).toMatchObject({ kind: "square" })
    }),
  )

  it.effect("answers 204 without a body where nothing is to be said", () =>
    Effect.gen(function* () {
      const { status, json } = yield* call("DELETE", "/probe/v1/items/itm_1", {
        headers: { authorization: "Bearer owner" },
      })
      expect([status, json]).toEqual([204, undefined])
    }),
  )

  it.effect("takes Idempotency-Key as the request id, quoted or bare", () =>
    Effect.gen(function* () {
      const body = { item: { displayName: "x" } }
      const quoted = yield* call("POST", "/probe/v1/echo", { body, headers: { "idempotency-key": '"k-1"' } })
      const bare = yield* call("POST", "/probe/v1/echo", { body, headers: { "idempotency-key": "k-2" } })
      expect([quoted.json.requestId, bare.json.requestId]).toEqual(["k-1", "k-2"])
    }),
  )

  it.effect("refuses a body over the limit with 413, before reading the rest", () =>
    Effect.gen(function* () {
      const { status, json } = yield* call("POST", "/probe/v1/echo", { body: "x".repeat(70_000) })
      expect([status, json.error.code, json.error.reason]).toEqual([413, "request_too_large", "message_too_large"])
    }),
  )

  it.effect("refuses without credentials before looking at the request", () =>
    Effect.gen(function* () {
      const { status, json } = yield* call("GET", "/probe/v1/items/itm_1")
      expect([status, json.error.code]).toEqual([401, "unauthorized"])
    }),
  )

  it.effect("asks the contract's permission on the contract's resource", () =>
    Effect.gen(function* () {
      const { status, json } = yield* call("DELETE", "/probe/v1/items/itm_9", { headers: reader })
      expect([status, json.error.code]).toEqual([403, "forbidden"])
      expect((yield* Probe.Seen).permissions).toContain("items.delete item_id=itm_9")
    }),
  )

  it.effect("refuses an rpc whose kind of caller the process cannot check, in the contract's own error shape", () =>
    Effect.gen(function* () {
      const { status, json } = yield* call("GET", "/probe/v1/forbidden")
      expect([status, json]).toEqual([401, { error: "unauthenticated", message: expect.any(String) }])
    }),
  )

  it.effect("tells conflicts, limits and absence apart, with reason, facts and retry time", () =>
    Effect.gen(function* () {
      const taken = yield* call("POST", "/probe/v1/items/i:misbehave", {
        body: { how: "AlreadyExists", reason: "slug_taken" },
      })
      expect(taken.status).toBe(409)
      expect(taken.json.error).toMatchObject({ code: "conflict", reason: "slug_taken", metadata: { slug: "acme" } })
      const limited = yield* call("POST", "/probe/v1/items/i:misbehave", {
        body: { how: "ResourceExhausted", reason: "rate_limited" },
      })
      expect([limited.status, limited.headers.get("retry-after"), limited.json.error.retryAfter]).toEqual([429, "2", 2])
      const absent = yield* call("GET", "/probe/v1/items/itm_absent", { headers: reader })
      expect([absent.status, absent.json.error.code]).toEqual([404, "not_found"])
    }),
  )

  it.effect("hides a defect and names the request", () =>
    Effect.gen(function* () {
      const { status, json } = yield* call("POST", "/probe/v1/items/i:misbehave", {
        body: { how: "defect" },
        headers: { "x-request-id": "req_given12345" },
      })
      expect(status).toBe(500)
      expect(json.error).toEqual({
        code: "internal_error",
        message: "internal error",
        reason: "internal",
        requestId: "req_given12345",
      })
    }),
  )

  it.effect("hides an answer that cannot be written, and goes on serving", () =>
    Effect.gen(function* () {
      const garbled = yield* call("POST", "/probe/v1/items/i:misbehave", { body: { how: "garbled" } })
      expect([garbled.status, garbled.json.error.code]).toEqual([500, "internal_error"])
    }),
  )

  it.effect("answers 404 where nothing is and 405 where another method is", () =>
    Effect.gen(function* () {
      const nothing = yield* call("GET", "/probe/v1/nothing")
      const other = yield* call("PUT", "/probe/v1/echo", { body: {} })
      expect([nothing.status, other.status, other.headers.get("allow")]).toEqual([404, 405, "POST, OPTIONS"])
    }),
  )

  it.effect("answers HEAD as GET, but without the body", () =>
    Effect.gen(function* () {
      const get = yield* call("GET", "/probe/v1/items/itm_1", { headers: reader })
      const head = yield* call("HEAD", "/probe/v1/items/itm_1", { headers: reader })
      expect([head.status, head.bytes.length]).toEqual([200, 0])
      expect(head.headers.get("content-length")).toBe(String(get.bytes.length))
      expect((yield* call("HEAD", "/probe/v1/items/itm_absent", { headers: reader })).status).toBe(404)
      expect((yield* call("HEAD", "/probe/v1/echo")).status).toBe(405)
      expect((yield* call("HEAD", "/openapi.json")).status).toBe(200)
    }),
  )

  it.effect("tells by OPTIONS which methods a path has", () =>
    Effect.gen(function* () {
      const { status, headers, bytes } = yield* call("OPTIONS", "/probe/v1/items/itm_1")
      expect([status, bytes.length, headers.get("allow")]).toEqual([204, 0, "GET, DELETE, PATCH, HEAD, OPTIONS"])
      expect((yield* call("OPTIONS", "/probe/v1/nothing")).status).toBe(404)
    }),
  )

  it.effect.each([
    "/probe/v1/items/",
    "/probe/v1/items/itm_1/",
    "//probe/v1/items/itm_1",
    "/probe/v1/%69tems/itm_1",
    "/probe/v1/items/itm_1%3Amisbehave/x",
  ])("takes a path by the letter: nothing is at %s", (path) =>
    Effect.gen(function* () {
      expect((yield* call("GET", path, { headers: reader })).status).toBe(404)
    }),
  )

  it.effect("decodes what a path says, slashes and verbs in it too", () =>
    Effect.gen(function* () {
      for (const [path, id] of [
        ["a%2Fb", "a/b"],
        ["%C3%A9%20%3F", "é ?"],
        ["itm:misbehave", "itm:misbehave"],
        ["100%", "100%"],
      ] as const) {
        const { json } = yield* call("GET", `/probe/v1/items/${path}`, { headers: reader })
        expect(json.id).toBe(id)
      }
    }),
  )

  it.effect("takes it for a defect when a handler leaves out what its route answers", () =>
    Effect.gen(function* () {
      const { status, json } = yield* call("GET", "/probe/v1/items/itm_none", { headers: reader })
      expect([status, json.error.code]).toEqual([500, "internal_error"])
    }),
  )

  it.effect("never serves what is internal to the mesh", () =>
    Effect.gen(function* () {
      const { httpPort } = yield* Listening
      const response = yield* Effect.promise(() =>
        fetch(`http://127.0.0.1:${httpPort}/authsome.testing.v1.ProbeService/WhoAmI`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-internal-api-key": "mesh-key-of-the-probe" },
          body: "{}",
        }),
      )
      expect(response.status).toBe(404)
    }),
  )

  it.effect("answers health and readiness", () =>
    Effect.gen(function* () {
      const { httpPort, grpcPort } = yield* Listening
      const get = (port: number, path: string) => Effect.promise(() => fetch(`http://127.0.0.1:${port}${path}`))
      expect((yield* get(httpPort, "/health")).status).toBe(200)
      expect((yield* get(grpcPort, "/ready")).status).toBe(200)
      expect((yield* get(httpPort, "/metrics")).status).toBe(404)
      const metrics = yield* Effect.flatMap(get(grpcPort, "/metrics"), (response) =>
        Effect.promise(() => response.text()),
      )
      expect(metrics).toContain("rpc_server_requests_total")
    }),
  )
})
