/** One unary call on one connection, straight on Node's stream. */
import * as http2 from "node:http2"
import type { DescMethodUnary, Message } from "@bufbuild/protobuf"
import { type PublicError, ResourceExhausted } from "../PublicError.ts"
import { away, garbled, httpError, isWhole, messageOf, statusError } from "./answer.ts"
import type { Connection, Fate } from "./Connection.ts"
import type { Endpoint } from "./Endpoint.ts"

/** A call that failed on its way or was answered with an error. */
export interface Failure {
  readonly error: PublicError
  /** What the call did on its way; "answered": the peer itself said the error. */
  readonly fate: Fate | "answered"
  /** Where it failed; undefined where it went nowhere. */
  readonly endpoint: Endpoint | undefined
}

/** The answer, or why there is none: exactly one of the two. */
export type Done = (message: Message | undefined, failure: Failure | undefined) => void

/** A running call, and how to give it up. After that it says nothing any more. */
export interface Running {
  cancel(): void
}

type Head = http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader

// Node keeps most finished streams alive until a full garbage collection: its map of streams leaves them behind in
// memory that is old before its time. So a stream must not keep the call: listeners without closures, a field that is
// cleared at the end, an emptied array of headers. That makes a third of the cost of collecting garbage.
const exchange = Symbol("exchange")

declare module "node:http2" {
  interface ClientHttp2Stream {
    [exchange]?: Exchange | undefined
  }
}

export class Exchange implements Running {
  readonly #endpoint: Endpoint
  readonly #connection: Connection
  #stream: http2.ClientHttp2Stream | undefined
  readonly #method: DescMethodUnary
  readonly #maxBytes: number
  #done: Done
  #over = false
  #isOk = false
  #first: Buffer = noBytes
  #rest: Array<Buffer> | undefined
  #size = 0

  /** Sends `headers`, which it empties, and `frame`. */
  constructor(
    endpoint: Endpoint,
    method: DescMethodUnary,
    headers: Array<string>,
    frame: Buffer,
    maxBytes: number,
    done: Done,
  ) {
    this.#endpoint = endpoint
    this.#method = method
    this.#maxBytes = maxBytes
    this.#done = done
    this.#connection = endpoint.began()
    if (this.#connection.made) this.#send(headers, frame)
    else this.#connection.whenSettled(() => this.#settled(headers, frame))
  }

  #settled(headers: Array<string>, frame: Buffer): void {
    if (this.#over) return
    if (this.#connection.made) this.#send(headers, frame)
    else this.closed()
  }

  #send(headers: Array<string>, frame: Buffer): void {
    const stream = this.#connection.request(headers)
    headers.length = 0
    this.#stream = stream
    stream[exchange] = this
    stream.on("response", onResponse)
    stream.on("data", onData)
    stream.on("trailers", onTrailers)
    stream.on("close", onClose)
    stream.on("error", onError)
    stream.end(frame)
  }

  cancel(): void {
    if (this.#over) return
    this.#endpoint.breaker.abandoned()
    this.#end()
    this.#reset()
  }

  head(head: Head, flags: number): void {
    if (head["grpc-status"] !== undefined && (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0) {
      return this.trailers(head)
    }
    if (head[":status"] === 200 && head["content-type"]?.startsWith("application/grpc")) return
    this.#answered(httpError(head[":status"] ?? 0))
    this.#reset()
  }

  data(chunk: Buffer): void {
    if (this.#over) return
    this.#size += chunk.length
    if (this.#size > this.#maxBytes) {
      this.#answered(tooLarge(this.#maxBytes))
      this.#reset()
    } else if (this.#first === noBytes) this.#first = chunk
    else if (this.#rest === undefined) this.#rest = [this.#first, chunk]
    else this.#rest.push(chunk)
  }

  // The answer counts as soon as it is whole: the stream closes a little later, which nobody has to wait for.
  trailers(trailers: http2.IncomingHttpHeaders): void {
    if (this.#over) return
    if (trailers["grpc-status"] !== "0") return this.#answered(statusError(trailers))
    this.#isOk = true
    const body = this.#body()
    if (isWhole(body)) this.#succeed(body)
  }

  closed(): void {
    if (this.#over) return
    if (this.#isOk) return this.#succeed(this.#body())
    const fate = this.#connection.fate(this.#stream)
    if (fate === "lost" && !this.#connection.broken) this.#endpoint.failed()
    else this.#endpoint.breaker.abandoned()
    const what = this.#connection.broken ? this.#connection.reason : `stream reset with ${this.#stream?.rstCode}`
    this.#end()(undefined, { error: away(what), fate, endpoint: this.#endpoint })
  }

  #body(): Buffer {
    return this.#rest === undefined ? this.#first : Buffer.concat(this.#rest, this.#size)
  }

  #succeed(body: Buffer): void {
    const message = isWhole(body) ? messageOf(this.#method, body) : undefined
    if (message === undefined) return this.#answered(garbled)
    this.#endpoint.breaker.succeeded()
    this.#end()(message, undefined)
  }

  #answered(error: PublicError): void {
    if (this.#over) return
    // An endpoint that is there but cannot do anything must not look attractive for having nothing to do.
    if (error._tag === "Unavailable") this.#endpoint.failed()
    else this.#endpoint.breaker.succeeded()
    this.#end()(undefined, { error, fate: "answered", endpoint: this.#endpoint })
  }

  #end(): Done {
    const done = this.#done
    this.#over = true
    this.#done = noDone
    this.#first = noBytes
    this.#rest = undefined
    this.#endpoint.ended(this.#connection)
    return done
  }

  #reset(): void {
    this.#stream?.close(http2.constants.NGHTTP2_CANCEL)
  }
}

function onResponse(this: http2.ClientHttp2Stream, head: Head, flags: number): void {
  this[exchange]?.head(head, flags)
}

function onData(this: http2.ClientHttp2Stream, chunk: Buffer): void {
  this[exchange]?.data(chunk)
}

function onTrailers(this: http2.ClientHttp2Stream, trailers: http2.IncomingHttpHeaders): void {
  this[exchange]?.trailers(trailers)
}

function onClose(this: http2.ClientHttp2Stream): void {
  this[exchange]?.closed()
  this[exchange] = undefined
}

/** A stream that breaks says so here, and then closes. */
const onError = (): void => {}

const noBytes = Buffer.alloc(0)

const noDone: Done = () => {}

const tooLarge = (maxBytes: number): ResourceExhausted =>
  new ResourceExhausted({ reason: "MESSAGE_TOO_LARGE", message: `the answer is larger than ${maxBytes} bytes` })
