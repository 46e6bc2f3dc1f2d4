/**
 * A way to one program of the mesh: one HTTP/2 session that is made when it is needed and made again when it ends. Unary
 * calls go straight to Node's streams; streams go through connect-es.
 */

import * as http2 from "node:http2"
import {
  create,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf"
import { Code, ConnectError } from "@connectrpc/connect"
import { findTrailerError } from "@connectrpc/connect/protocol-grpc"
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { framed } from "../http/grpc.ts"
import { rpcName } from "../Policy.ts"
import { Internal, type PublicError, Unavailable } from "../PublicError.ts"
import { fromConnectError } from "../status.ts"

export interface ChannelOptions {
  /** Where the program's mesh face is, such as `http://billing:9084`. */
  readonly url: URL
  /** The name under which this process calls. */
  readonly peer: string
  /** The key that programs of the mesh show one another; absent where certificates do that. */
  readonly internalKey?: Redacted.Redacted<string> | undefined
}

export interface OutgoingCall {
  readonly timeoutMs: number
  /** Metadata beside what every call of the channel carries. */
  readonly headers: Readonly<Record<string, string>>
}

export interface Channel {
  readonly peer: string
  /** One unary exchange, without any retry. Calls `done` once; returns how to give it up. */
  readonly unary: (
    method: DescMethodUnary,
    request: object,
    call: OutgoingCall,
    done: (outcome: Message | PublicError) => void,
  ) => () => void
  readonly stream: (
    method: DescMethodServerStreaming,
    request: object,
    call: OutgoingCall,
    signal: AbortSignal,
  ) => Promise<AsyncIterable<Message>>
}

export const make = (options: ChannelOptions): Effect.Effect<Channel, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => open(options)),
    ({ close }) => Effect.sync(close),
  )

const open = (options: ChannelOptions): Channel & { readonly close: () => void } => {
  const sessions = new Http2SessionManager(options.url.origin)
  const streams = createGrpcTransport({ baseUrl: options.url.origin, sessionManager: sessions })
  let session: http2.ClientHttp2Session | undefined
  const common: Record<string, string> = { "x-mesh-peer": options.peer }
  if (options.internalKey !== undefined) common["x-internal-api-key"] = Redacted.value(options.internalKey)

  const connected = (): http2.ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session
    const fresh = http2.connect(options.url, { settings: { initialWindowSize: 1024 * 1024 } })
    const forget = () => {
      if (session === fresh) session = undefined
    }
    // A failed connection fails its calls, each of which reports it; a GOAWAY sends new calls to a new session.
    fresh.on("error", forget)
    fresh.on("goaway", forget)
    fresh.on("close", forget)
    fresh.unref()
    session = fresh
    return fresh
  }

  return {
    peer: options.peer,
    close: () => {
      session?.close()
      sessions.abort()
    },
    unary: (method, request, call, done) => {
      const body = toBinary(
        method.input,
        "$typeName" in request ? (request as Message) : create(method.input, request as Record<string, unknown>),
      )
      const stream = connected().request({
        ":method": "POST",
        ":path": `/${rpcName(method)}`,
        "content-type": "application/grpc+proto",
        te: "trailers",
        "grpc-timeout": `${Math.max(1, Math.ceil(call.timeoutMs))}m`,
        ...common,
        ...call.headers,
      })
      receive(method, stream, done)
      stream.end(framed(body))
      return () => stream.close(http2.constants.NGHTTP2_CANCEL)
    },
    stream: async (method, request, call, signal) => {
      const response = await streams.stream(
        method,
        signal,
        call.timeoutMs,
        { ...common, ...call.headers },
        once(request),
      )
      return response.message
    },
  }
}

const receive = (
  method: DescMethodUnary,
  stream: http2.ClientHttp2Stream,
  done: (outcome: Message | PublicError) => void,
): void => {
  const chunks: Array<Buffer> = []
  let head: http2.IncomingHttpHeaders = {}
  let trailers: http2.IncomingHttpHeaders | undefined
  let broken: NodeJS.ErrnoException | undefined
  stream.on("response", (headers) => {
    head = headers
  })
  stream.on("trailers", (headers) => {
    trailers = headers
  })
  stream.on("data", (chunk: Buffer) => chunks.push(chunk))
  stream.on("error", (error) => {
    broken = error
  })
  stream.on("close", () => done(outcomeOf(method, head, trailers ?? head, chunks, broken)))
}

const outcomeOf = (
  method: DescMethodUnary,
  head: http2.IncomingHttpHeaders,
  trailers: http2.IncomingHttpHeaders,
  chunks: ReadonlyArray<Buffer>,
  broken: NodeJS.ErrnoException | undefined,
): Message | PublicError => {
  const status = trailers["grpc-status"]
  if (status === undefined)
    return away(broken?.code ?? (head[":status"] === undefined ? "no answer" : `HTTP ${head[":status"]}`))
  if (status !== "0") {
    const metadata = new Headers()
    for (const [name, value] of Object.entries(trailers)) {
      if (!name.startsWith(":") && typeof value === "string") metadata.set(name, value)
    }
    return fromConnectError(findTrailerError(metadata) ?? new ConnectError("malformed status", Code.Internal))
  }
  const data = Buffer.concat(chunks)
  if (data.length < 5 || data[0] !== 0 || data.readUInt32BE(1) !== data.length - 5) return garbled
  try {
    return fromBinary(method.output, data.subarray(5))
  } catch {
    return garbled // the peer's answer is not the message of the contract
  }
}

const garbled = new Internal({ reason: "INTERNAL", message: "the answer is not what the contract says" })

const away = (what: string): Unavailable =>
  new Unavailable({ reason: "UNAVAILABLE", message: `the service could not be reached: ${what}` })

async function* once(request: object): AsyncIterable<never> {
  yield request as never
}
