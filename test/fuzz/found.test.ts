/** What the fuzz run found once, each by its smallest request. */
import * as net from "node:net"
import { create, toBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { EchoRequestSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { Listening } from "#shared/rpc/Server.ts"
import * as Probe from "../mesh/Probe.ts"
import type { Answer, Case, Http1Case, Http2Case, Request } from "./Case.ts"
import { envelope } from "./mutate/protobuf.ts"
import { http1Sender, sendBytes } from "./send/http1.ts"
import { http2Sender } from "./send/http2.ts"

const limitMs = 8000
const service = "/authsome.testing.v1.ProbeService"

/** Sends the case, then asks whether the server still serves. */
const ask = (each: Case) =>
  Effect.gen(function* () {
    const { httpPort, grpcPort } = yield* Listening
    const port = each.face === "outside" ? httpPort : grpcPort
    const answer = yield* Effect.promise(() => send(each, port))
    const health = yield* Effect.promise(() => fetch(`http://127.0.0.1:${httpPort}/health`))
    expect(health.status).toBe(200)
    return answer
  })

const send = async (each: Case, port: number): Promise<Answer> => {
  if (each.carrier === "bytes") return sendBytes(each, port, limitMs)
  const [http1, http2] = [http1Sender(limitMs), http2Sender(limitMs)]
  const answer = await (each.carrier === "http1" ? http1.send(each, port) : http2.send(each, port))
  http1.close()
  http2.close()
  return answer
}

const post = (target: string, headers: Readonly<Record<string, string>>, body: Buffer | string): Request => ({
  method: "POST",
  target,
  headers: Object.entries(headers),
  body: Buffer.from(body),
})

const toOutside = (request: Request): Http1Case => ({ carrier: "http1", face: "outside", request, framing: "length" })
const toMesh = (request: Request): Http2Case => ({ carrier: "http2", face: "mesh", request, cut: "no" })

layer(Probe.layer, { excludeTestServices: true })("what fuzzing found", (it) => {
  it.effect("a call without a host, which HTTP/1.0 allows, is refused and does not end the process", () =>
    Effect.gen(function* () {
      const head = `POST ${service}/Echo HTTP/1.0\r\ncontent-type: application/connect+json\r\ncontent-length: 0\r\n\r\n`
      const answer = yield* ask({ carrier: "bytes", face: "outside", chunks: [Buffer.from(head)], last: "wait" })
      expect(answer.status).toBe(400)
    }),
  )

  it.effect("a host that is none is refused, in the words of the protocol", () =>
    Effect.gen(function* () {
      for (const host of ["::", "a b", "[", "a:99999"]) {
        const web = yield* ask(toOutside(post(`${service}/Echo`, { host, "content-type": "application/grpc-web" }, "")))
        expect([web.status, web.headers["grpc-status"]]).toEqual([200, "3"])
        const plain = yield* ask(
          toOutside(post(`${service}/Echo`, { host, "content-type": "application/connect+json" }, "")),
        )
        expect([plain.status, JSON.parse(plain.body.toString())]).toMatchObject([400, { code: "invalid_argument" }])
      }
    }),
  )

  it.effect("JSON nested deeper than the stack is refused", () =>
    Effect.gen(function* () {
      const body = `{"item":${'{"parts":{"a":'.repeat(4000)}{}${"}}".repeat(4000)}}`
      const answer = yield* ask(toOutside(post("/probe/v1/echo", { host: "x" }, body)))
      expect(answer.status).toBe(400)
      expect(answer.body.toString()).toContain("must not be nested deeper than 100 messages")
    }),
  )

  it.effect("bytes that are no message are the caller's fault in every protocol", () =>
    Effect.gen(function* () {
      const bytes = Buffer.from([0xff, 0xff])
      const grpc = yield* ask(
        toMesh(post(`${service}/Forbidden?x`, { "content-type": "application/grpc" }, envelope(bytes))),
      )
      expect(grpc.headers["grpc-status"]).toBe("3")
      const web = yield* ask(
        toOutside(post(`${service}/Echo`, { host: "x", "content-type": "application/grpc-web" }, envelope(bytes))),
      )
      expect(web.body.toString("latin1")).toContain("grpc-status: 3")
      const stream = { host: "x", "content-type": "application/connect+proto" }
      const connect = yield* ask(toOutside(post(`${service}/Count`, stream, envelope(bytes))))
      expect(connect.body.toString("latin1")).toContain('"code":"invalid_argument"')
    }),
  )

  it.effect("a time beyond what a timer measures is no time-out", () =>
    Effect.gen(function* () {
      const headers = { "content-type": "application/json", "connect-timeout-ms": "9999999999" }
      const connect = yield* ask(toMesh(post(`${service}/ListItems`, headers, "{}")))
      expect([connect.status, connect.body.toString()]).toEqual([200, "{}"])
      const web = { host: "x", "content-type": "application/grpc-web", "grpc-timeout": "99999999H" }
      const grpc = yield* ask(toOutside(post(`${service}/ListItems`, web, envelope(Buffer.alloc(0)))))
      expect(grpc.body.toString("latin1")).toContain("grpc-status: 0")
    }),
  )

  it.effect("half a character that an error quotes does not keep the answer back", () =>
    Effect.gen(function* () {
      const body = envelope(Buffer.from('{"to":3,"fail":"\\ud800"}'))
      const answer = yield* ask(
        toOutside(post(`${service}/Count`, { host: "x", "content-type": "application/grpc-web+json" }, body)),
      )
      expect(answer.body.toString("latin1")).toContain("grpc-status: 3")
    }),
  )

  it.effect("a request that breaks more rules than headers can hold is told the first of them", () =>
    Effect.gen(function* () {
      const labels = Array.from({ length: 1000 }, () => "longer than ten")
      const item = toBinary(EchoRequestSchema, create(EchoRequestSchema, { item: { displayName: "x", labels } }))
      for (const query of ["", "?x"]) {
        const headers = { "content-type": "application/grpc" }
        const answer = yield* ask(toMesh(post(`${service}/Echo${query}`, headers, envelope(Buffer.from(item)))))
        expect([answer.status, answer.headers["grpc-status"]]).toEqual([200, "3"])
        expect(decodeURIComponent(answer.headers["grpc-message"] ?? "")).toMatch(/^item\.labels: must contain no more/)
      }
    }),
  )

  it.effect("a connection reset between a request and its answer ends nothing else", () =>
    Effect.gen(function* () {
      const { httpPort } = yield* Listening
      const call = `GET ${service}/Count?connect HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`
      for (let left = 50; left > 0; left--) {
        yield* Effect.promise(() => resetAfter(`${call}${call}`, httpPort))
      }
      yield* ask({ carrier: "bytes", face: "outside", chunks: [Buffer.from(call)], last: "end" })
    }),
  )

  it.effect("what is left of a refused request does not hold back the next one on the connection", () =>
    Effect.gen(function* () {
      const { httpPort } = yield* Listening
      const headers = { host: "x", "content-type": "application/grpc-web" }
      const large = Buffer.concat([envelope(Buffer.alloc(0), 0, 0x7fffffff), Buffer.alloc(200_000)])
      const next = { method: "GET", target: "/health", headers: [["host", "x"]], body: Buffer.alloc(0) } as const
      const http1 = http1Sender(limitMs)
      const answers = yield* Effect.promise(async () => [
        await http1.send(toOutside(post(`${service}/Echo`, headers, large)), httpPort),
        await http1.send(toOutside(next), httpPort),
      ])
      http1.close()
      expect(answers.map(({ status, hung }) => [status, hung])).toEqual([
        [200, undefined],
        [200, undefined],
      ])
    }),
  )

  it.effect("nor does it keep the connection once the caller has left", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Listening
      const headers = { "content-type": "application/grpc-web" }
      const large = Buffer.concat([envelope(Buffer.alloc(0), 0, 0x7fffffff), Buffer.alloc(50_000)])
      const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
      const before = sockets()
      const http2 = http2Sender(limitMs)
      // Eight on four connections: on the second of each the answer overtakes the body.
      for (let left = 8; left > 0; left--) {
        yield* Effect.promise(() => http2.send(toMesh(post(`${service}/Echo`, headers, large)), grpcPort))
      }
      http2.close()
      yield* until(() => sockets() <= before)
    }),
  )
})

/** Waits for a fact without a fixed pause. */
const until = (fact: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (fact() ? Effect.void : Effect.andThen(Effect.sleep("10 millis"), until(fact))))

const resetAfter = (text: string, port: number): Promise<void> =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () =>
      socket.write(text, () => setImmediate(() => socket.resetAndDestroy())),
    )
    socket.on("error", () => {})
    socket.on("close", () => resolve())
  })
