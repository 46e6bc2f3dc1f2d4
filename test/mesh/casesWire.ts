/** The protocols of the mesh, spoken by hand. */
import { create, type DescMethodUnary, fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf"
import { ConnectError } from "@connectrpc/connect"
import { codeFromHttpStatus, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect"
import { findTrailerError } from "@connectrpc/connect/protocol-grpc"
import type * as Effect from "effect/Effect"
import { framed } from "#shared/rpc/http/frame.ts"
import { type Answer, failure, foreign, success } from "./casesAnswer.ts"
import { type Exchange, overHttp1, overHttp2, type Raw } from "./casesExchange.ts"

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
