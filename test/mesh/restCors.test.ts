/** Pages of other origins: those that are named may call in every protocol of the outside face, the others in none. */
import { create, toBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ListItemsRequestSchema, ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { framed } from "#shared/rpc/http/frame.ts"
import * as Probe from "./Probe.ts"
import { call, reader } from "./restCall.ts"

const dashboard = "https://dash.example"
const elsewhere = [
  "https://dash.example.evil",
  "http://dash.example",
  "https://dash.example:444",
  "https://DASH.example",
  "https://a.dash.example",
  "null",
]
const rpc = `/${ProbeService.typeName}`

const preflight = (path: string, origin: string, method = "POST") =>
  call("OPTIONS", path, { headers: { origin, "access-control-request-method": method } })

const words = (header: string | null) => header?.split(", ") ?? []
const corsHeaders = (headers: Headers) => [...headers.keys()].filter((name) => name.startsWith("access-control-"))

/** One call in each protocol, as a page makes it; the headers are added to its own. */
const calls = (headers: Record<string, string>) =>
  Effect.all({
    rest: call("GET", "/probe/v1/items", { headers }),
    refused: call("GET", "/probe/v1/items/itm_1", { headers }),
    malformed: call("POST", "/probe/v1/echo", { body: "{", headers }),
    nowhere: call("GET", "/probe/v1/nothing", { headers }),
    file: call("GET", "/probe/v1/items/itm_1/download", { headers }),
    connect: call("POST", `${rpc}/ListItems`, { body: {}, headers }),
    connectGet: call("GET", `${rpc}/ListItems?connect=v1&encoding=json&message=%7B%7D`, { headers }),
    connectRefused: call("POST", `${rpc}/GetItem`, { body: { itemId: "x" }, headers }),
    grpcWeb: call("POST", `${rpc}/ListItems`, {
      body: framed(Buffer.from(toBinary(ListItemsRequestSchema, create(ListItemsRequestSchema)))),
      headers: { ...headers, "content-type": "application/grpc-web+proto", "x-grpc-web": "1" },
    }),
    openApi: call("GET", "/openapi.json", { headers }),
  })

const statuses = {
  rest: 200,
  refused: 401,
  malformed: 400,
  nowhere: 404,
  file: 200,
  connect: 200,
  connectGet: 200,
  connectRefused: 401,
  grpcWeb: 200,
  openApi: 200,
}

layer(Probe.layerWith({ origins: [dashboard, "http://localhost:5173"] }), { excludeTestServices: true })(
  "a page",
  (it) => {
    it.effect.each([
      ["/probe/v1/items/itm_1", ["GET", "DELETE", "PATCH", "HEAD", "OPTIONS"]],
      ["/probe/v1/items/i:misbehave", ["GET", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"]],
      ["/probe/v1/items?page=1", ["GET", "HEAD", "OPTIONS"]],
      [`${rpc}/Echo`, ["POST", "GET"]],
      [`${rpc}/Misbehave`, ["POST"]],
      [`${rpc}/Count`, ["POST", "GET"]],
      ["/openapi.json", ["GET", "HEAD"]],
    ] as const)("of a named origin is told before it calls what %s offers", ([path, methods]) =>
      Effect.gen(function* () {
        for (const origin of [dashboard, "http://localhost:5173"]) {
          const { status, bytes, headers } = yield* preflight(path, origin)
          expect([status, bytes.length, headers.get("access-control-allow-origin")]).toEqual([204, 0, origin])
          expect(words(headers.get("access-control-allow-methods")).toSorted()).toEqual([...methods].toSorted())
          expect(words(headers.get("access-control-allow-headers"))).toEqual(
            expect.arrayContaining([
              ...["authorization", "content-type", "idempotency-key", "x-request-id", "connect-protocol-version"],
              ...["connect-timeout-ms", "x-grpc-web", "x-user-agent"],
            ]),
          )
          expect(Number(headers.get("access-control-max-age"))).toBeGreaterThan(0)
          expect(headers.get("access-control-allow-credentials")).toBeNull()
          expect(headers.get("vary")).toBe("Origin")
        }
      }),
    )

    it.effect("of a named origin reads answers and refusals in every protocol", () =>
      Effect.gen(function* () {
        const answers = yield* calls({ origin: dashboard })
        expect(Object.fromEntries(Object.entries(answers).map(([name, { status }]) => [name, status]))).toEqual(
          statuses,
        )
        for (const { headers } of Object.values(answers)) {
          expect(headers.get("access-control-allow-origin")).toBe(dashboard)
          expect(headers.get("access-control-allow-credentials")).toBeNull()
          expect(headers.get("vary")).toBe("Origin")
          expect(words(headers.get("access-control-expose-headers"))).toEqual(
            expect.arrayContaining([
              ...["x-request-id", "retry-after", "content-disposition", "grpc-status", "grpc-message"],
              ...["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
            ]),
          )
        }
      }),
    )

    it.effect("of another origin, however like it, is told nothing and reads nothing", () =>
      Effect.gen(function* () {
        for (const origin of elsewhere) {
          const asked = yield* preflight("/probe/v1/items", origin, "GET")
          expect([asked.status, asked.bytes.length, corsHeaders(asked.headers)]).toEqual([403, 0, []])
          const answer = yield* call("GET", "/probe/v1/items/itm_1", { headers: { origin, ...reader } })
          expect([answer.status, corsHeaders(answer.headers), answer.headers.get("vary")]).toEqual([200, [], "Origin"])
        }
      }),
    )

    it.effect("asking about a path where nothing is gets a plain 404", () =>
      Effect.gen(function* () {
        for (const path of ["/probe/v1/nothing", `${rpc}/Nothing`, `${rpc}/WhoAmI`]) {
          const { status, headers } = yield* preflight(path, dashboard)
          expect([status, corsHeaders(headers)]).toEqual([404, []])
        }
      }),
    )

    it.effect("is no other program: those get no such headers, but caches are told that pages do", () =>
      Effect.gen(function* () {
        const { headers } = yield* call("GET", "/probe/v1/items")
        expect([corsHeaders(headers), headers.get("vary")]).toEqual([[], "Origin"])
      }),
    )
  },
)

layer(Probe.layer, { excludeTestServices: true })("where no origin is named", (it) => {
  it.effect("no page is told or reads anything", () =>
    Effect.gen(function* () {
      const asked = yield* preflight("/probe/v1/items", dashboard, "GET")
      expect(corsHeaders(asked.headers)).toEqual([])
      for (const { headers } of Object.values(yield* calls({ origin: dashboard }))) {
        expect([corsHeaders(headers), headers.get("vary")]).toEqual([[], null])
      }
    }),
  )
})
