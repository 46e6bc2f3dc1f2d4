/** One unary gRPC call as the server has it, straight on Node's stream. */
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from "node:http2"
import type { Message } from "@bufbuild/protobuf"
import { acceptRequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { Internal, type PublicError } from "../PublicError.ts"
import { hungUp, type Stop, type UnaryRoute } from "../Route.ts"
import { decode } from "../wire/decode.ts"
import { brokenFrame, frameHead, frameOf, malformed, tooLarge } from "./frame.ts"
import { headerView } from "./headers.ts"
import { otherEndOf } from "./OtherEnd.ts"
import { giveUpRest, requestMs } from "./onePort.ts"
import { grpcTimeout } from "./timeout.ts"
import { errorTrailers, okTrailers } from "./trailers.ts"

export const grpcType = "application/grpc+proto"

// Node keeps most finished streams alive until a full garbage collection: its map of streams leaves them behind in
// memory that is old before its time. So a stream must not keep the call: listeners without closures, a field that is
// cleared at the end, an emptied array of headers. That halves what survives a young collection.
const call = Symbol("call")

declare module "node:http2" {
  interface ServerHttp2Stream {
    [call]?: GrpcCall | undefined
  }
}

export class GrpcCall {
  readonly #route: UnaryRoute
  readonly #stream: ServerHttp2Stream
  readonly #headers: IncomingHttpHeaders
  readonly #maxBytes: number
  readonly #head: Record<string, string> = { ":status": "200", "content-type": grpcType }
  #slow: NodeJS.Timeout | undefined
  #first: Buffer = noBytes
  #rest: Array<Buffer> | undefined
  #size = 0
  #stop: Stop | undefined
  #answered = false

  constructor(route: UnaryRoute, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, maxBytes: number) {
    this.#route = route
    this.#stream = stream
    this.#headers = headers
    this.#maxBytes = maxBytes
  }

  /** Reads the request, runs the rpc and answers. */
  listen(): void {
    const stream = this.#stream
    stream[call] = this
    stream.on("error", onError)
    stream.on("close", onClose)
    stream.on("data", onData)
    stream.on("end", onEnd)
    // A caller that sends its request too slowly is cut, so that it holds nothing for ever.
    this.#slow = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), requestMs)
  }

  data(chunk: Buffer): void {
    const limit = frameHead + this.#maxBytes
    const before = this.#size
    this.#size += chunk.length
    if (this.#size > limit) {
      if (before > limit) return
      this.#fail(tooLarge(this.#maxBytes))
      giveUpRest(this.#stream)
    } else if (this.#first === noBytes) this.#first = chunk
    else if (this.#rest === undefined) this.#rest = [this.#first, chunk]
    else this.#rest.push(chunk)
  }

  ended(): void {
    if (this.#answered) return
    clearTimeout(this.#slow)
    const header = headerView(this.#headers)
    const timeoutMs = grpcTimeout(header("grpc-timeout"))
    if (timeoutMs === "malformed") return this.#fail(malformed("grpc-timeout is malformed"))
    const body = this.#rest === undefined ? this.#first : Buffer.concat(this.#rest, this.#size)
    const broken = brokenFrame(body)
    if (broken !== undefined) return this.#fail(broken)
    const request = requestOf(this.#route, body.subarray(frameHead))
    if (request === undefined) return this.#fail(malformed(`cannot decode ${this.#route.method.input.typeName}`))
    const { remoteAddress, certifiedPeer } = otherEndOf(this.#stream.session)
    this.#stop = this.#route.run(
      request,
      {
        protocol: "grpc",
        requestId: acceptRequestId(header(requestIdHeader)),
        header,
        remoteAddress,
        certifiedPeer,
        timeoutMs,
        fieldNames: "name",
        setHeader: (name, value) => {
          this.#head[name] = value
        },
      },
      (outcome) => (outcome.ok ? this.#succeed(outcome.message) : this.#fail(outcome.error)),
    )
  }

  closed(): void {
    clearTimeout(this.#slow)
    if (!this.#answered) this.#stop?.(hungUp)
  }

  #succeed(message: Message): void {
    if (this.#answered) return
    const frame = this.#route.encoded(() => frameOf(this.#route.method.output, message))
    if (frame instanceof Internal) return this.#fail(frame)
    this.#answered = true
    if (this.#stream.destroyed) return
    this.#respond([], withTrailers)
    this.#stream.on("wantTrailers", onWantTrailers)
    this.#stream.end(frame)
  }

  #fail(error: PublicError): void {
    if (this.#answered) return
    this.#answered = true
    if (this.#stream.destroyed) return
    this.#respond(errorTrailers(error), withoutBody)
  }

  #respond(trailers: ReadonlyArray<string>, options: ServerStreamResponseOptions): void {
    const headers = [...trailers]
    for (const [name, value] of Object.entries(this.#head)) headers.push(name, value)
    this.#stream.respond(headers, options)
    headers.length = 0
  }
}

const withTrailers = { waitForTrailers: true }
const withoutBody = { endStream: true }
const noBytes = Buffer.alloc(0)

const requestOf = ({ method }: UnaryRoute, bytes: Buffer): Message | undefined => {
  try {
    return decode(method.input, bytes)
  } catch {
    return undefined // the reader throws plain errors for every way in which bytes are not a message
  }
}

function onData(this: ServerHttp2Stream, chunk: Buffer): void {
  this[call]?.data(chunk)
}

function onEnd(this: ServerHttp2Stream): void {
  this[call]?.ended()
}

function onWantTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(okTrailers)
}

function onClose(this: ServerHttp2Stream): void {
  this[call]?.closed()
  this[call] = undefined
}

/** A reset stream reports here; by "close" the call learns of it. */
const onError = (): void => {}
