/**
 * The protocols of the mesh, spoken by hand over Node's own sockets: whatever bytes and headers a case wants, and one shape
 * for every answer. Giving up an exchange (by interruption) hangs up.
 */
import * as http from "node:http"
import * as http2 from "node:http2"
import { create, type DescMethodUnary, fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf"
import { ConnectError } from "@connectrpc/connect"
import { codeFromHttpStatus, codeToString, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect"
import { findTrailerError } from "@connectrpc/connect/protocol-grpc"
import * as Effect from "effect/Effect"
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.ts"
import { framed } from "#shared/rpc/http/grpc.ts"

export interface Exchange {
  readonly path: string
  readonly body: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** POST where unset. */
  readonly verb?: string
}

/** What came back, as it came. */
export interface Raw {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly trailers: Readonly<Record<string, string>>
  /** Whether the server said on this connection that it takes no more calls there. */
  readonly goneAway: boolean
}

/** What an answer means, whatever protocol said it. */
export interface Answer {
  /** "ok", or the name of the code such as "not_found". */
  readonly code: string
  readonly message: string
  readonly reason: string | undefined
  readonly metadata: Readonly<Record<string, string>> | undefined
  readonly retryAfterMs: number | undefined
  readonly violations: ReadonlyArray<{ readonly field: string; readonly description: string }> | undefined
  /** The response message as JSON text; undefined for an error. */
  readonly json: string | undefined
  readonly raw: Raw
}

export interface Wire {
  readonly name: "gRPC" | "gRPC-Web" | "Connect JSON" | "Connect binary"
  readonly face: "grpcPort" | "httpPort"
  readonly contentType: string
  /** Whether messages come in frames. */
  readonly framed: boolean
  readonly encodingHeader: string
  readonly timeout: (millis: number) => Readonly<Record<string, string>>
  readonly encode: (method: DescMethodUnary, request: Record<string, unknown>) => Buffer<ArrayBufferLike>
  readonly exchange: (port: number, exchange: Exchange) => Effect.Effect<Raw>
  readonly decode: (method: DescMethodUnary, raw: Raw) => Answer
}

const texts = (headers: http2.IncomingHttpHeaders | http.IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )

/** One exchange on a connection of its own over HTTP/2. A stream that ends without headers has status 0. */
const overHttp2 = (port: number, { path, body, headers, verb = "POST" }: Exchange): Effect.Effect<Raw> =>
  Effect.callback<Raw>((resume) => {
    const session = http2.connect(`http://127.0.0.1:${port}`)
    session.on("error", () => {})
    const stream = session.request({ ":method": verb, ":path": path, te: "trailers", ...headers })
    const chunks: Array<Buffer> = []
    let head: http2.IncomingHttpHeaders = {}
    let trailers: http2.IncomingHttpHeaders = {}
    let goneAway = false
    session.on("goaway", () => {
      goneAway = true
    })
    stream.on("response", (received, flags) => {
      head = received
      // An answer of headers alone: they are its trailers as well.
      if ((flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0) trailers = received
    })
    stream.on("trailers", (received) => {
      trailers = received
    })
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("error", () => {})
    stream.on("close", () => {
      session.close()
      const status = Number(head[":status"] ?? 0)
      const body = Buffer.concat(chunks)
      resume(Effect.succeed({ status, headers: texts(head), trailers: texts(trailers), body, goneAway }))
    })
    stream.end(body)
    return Effect.sync(() => session.destroy())
  })

/** One exchange on a connection of its own over HTTP/1.1. A connection that ends without an answer has status 0. */
export const overHttp1 = (port: number, { path, body, headers, verb = "POST" }: Exchange): Effect.Effect<Raw> =>
  Effect.callback<Raw>((resume) => {
    const nothing: Raw = { status: 0, headers: {}, trailers: {}, body: Buffer.alloc(0), goneAway: false }
    const request = http.request({ port, host: "127.0.0.1", path, method: verb, headers: { ...headers }, agent: false })
    request.on("response", (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", () => resume(Effect.succeed(nothing)))
      response.on("end", () => {
        const { statusCode: status = 0, headers: head, trailers } = response
        const body = Buffer.concat(chunks)
        const goneAway = head.connection === "close"
        resume(Effect.succeed({ status, headers: texts(head), trailers: texts({ ...trailers }), body, goneAway }))
      })
    })
    request.on("error", () => resume(Effect.succeed(nothing)))
    request.end(verb === "GET" ? undefined : body)
    return Effect.sync(() => request.destroy())
  })

const success = (json: string, raw: Raw): Answer => ({
  code: "ok",
  message: "",
  reason: undefined,
  metadata: undefined,
  retryAfterMs: undefined,
  violations: undefined,
  json,
  raw,
})

const failure = (error: ConnectError, raw: Raw): Answer => {
  const info = error.findDetails(ErrorInfoSchema)[0]
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay
  return {
    code: codeToString(error.code),
    message: error.rawMessage,
    reason: info?.reason,
    metadata: info?.metadata,
    retryAfterMs: delay === undefined ? undefined : Number(delay.seconds) * 1000 + delay.nanos / 1e6,
    violations: error
      .findDetails(BadRequestSchema)[0]
      ?.fieldViolations.map(({ field, description }) => ({ field, description })),
    json: undefined,
    raw,
  }
}

/** An answer that is none of the protocol's: its HTTP status is its code. */
const foreign = (raw: Raw): Answer =>
  failure(new ConnectError(`HTTP ${raw.status}`, codeFromHttpStatus(raw.status)), raw)

const json = (method: DescMethodUnary, bytes: Uint8Array): string =>
  toJsonString(method.output, fromBinary(method.output, bytes))

const headersOf = (record: Readonly<Record<string, string>>): Headers =>
  new Headers(Object.entries(record).filter(([name]) => !name.startsWith(":")))

const status = (
  method: DescMethodUnary,
  raw: Raw,
  frame: Buffer,
  trailers: Readonly<Record<string, string>>,
): Answer => {
  if (trailers["grpc-status"] === undefined) return foreign(raw)
  const error = findTrailerError(headersOf(trailers))
  return error === undefined ? success(json(method, frame.subarray(5)), raw) : failure(error, raw)
}

const binary: Wire["encode"] = (method, request) => Buffer.from(toBinary(method.input, create(method.input, request)))

const grpc: Wire = {
  name: "gRPC",
  face: "grpcPort",
  contentType: "application/grpc",
  framed: true,
  encodingHeader: "grpc-encoding",
  timeout: (millis) => ({ "grpc-timeout": `${millis}m` }),
  encode: (method, request) => framed(binary(method, request)),
  exchange: overHttp2,
  decode: (method, raw) => status(method, raw, raw.body, raw.trailers),
}

const trailerFlag = 0x80

const grpcWeb: Wire = {
  ...grpc,
  name: "gRPC-Web",
  face: "httpPort",
  contentType: "application/grpc-web+proto",
  exchange: overHttp1,
  decode: (method, raw) => {
    let rest = raw.body
    let message: Buffer = Buffer.alloc(0)
    const trailers: Record<string, string> = {}
    while (rest.length >= 5) {
      const end = 5 + rest.readUInt32BE(1)
      const frame = rest.subarray(0, end)
      if (rest[0] === trailerFlag) {
        for (const line of frame.subarray(5).toString().split("\r\n")) {
          const colon = line.indexOf(":")
          if (colon > 0) trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
        }
      } else message = frame
      rest = rest.subarray(end)
    }
    return status(method, raw, message, raw.body.length === 0 ? raw.headers : trailers)
  },
}

const connect = (name: Wire["name"], contentType: string): Pick<Wire, Exclude<keyof Wire, "encode">> => ({
  name,
  face: "httpPort",
  contentType,
  framed: false,
  encodingHeader: "content-encoding",
  timeout: (millis) => ({ "connect-timeout-ms": String(millis) }),
  exchange: overHttp1,
  decode: (method, raw) => {
    if (raw.status !== 200) {
      if (raw.headers["content-type"] !== "application/json") return foreign(raw)
      const otherwise = new ConnectError(`HTTP ${raw.status}`, codeFromHttpStatus(raw.status))
      return failure(errorFromJsonBytes(raw.body, undefined, otherwise), raw)
    }
    if (contentType === "application/proto") return success(json(method, raw.body), raw)
    return success(toJsonString(method.output, fromJsonString(method.output, raw.body.toString())), raw)
  },
})

const connectJson: Wire = {
  ...connect("Connect JSON", "application/json"),
  encode: (method, request) => Buffer.from(toJsonString(method.input, create(method.input, request))),
}

const connectBinary: Wire = { ...connect("Connect binary", "application/proto"), encode: binary }

export const wires: ReadonlyArray<Wire> = [grpc, grpcWeb, connectJson, connectBinary]
