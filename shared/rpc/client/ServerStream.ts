/**
 * One server-streaming call on one connection. connect-es speaks the protocol; the connection is ours, so that streams
 * share endpoints, breakers and hand-over with all other calls.
 */
import type * as http2 from "node:http2"
import type { DescMethodServerStreaming, Message } from "@bufbuild/protobuf"
import { createGrpcTransport, type GrpcTransportOptions } from "@connectrpc/connect-node"
import * as Effect from "effect/Effect"
import { codeOf, fromConnectError } from "../status.ts"
import { away } from "./answer.ts"
import type { Connection } from "./Connection.ts"
import type { Endpoint } from "./Endpoint.ts"
import type { Failure } from "./Exchange.ts"
import type { Target } from "./Target.ts"

type SessionManager = NonNullable<GrpcTransportOptions["sessionManager"]>

export interface StreamRequest {
  readonly method: DescMethodServerStreaming
  readonly message: object
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** Aborts when nobody reads any more. */
  readonly signal: AbortSignal
}

export interface OpenStream {
  readonly messages: AsyncIterable<Message>
  /** What an error of `messages` means. */
  readonly failureOf: (cause: unknown) => Failure
}

/** Opens a stream at `endpoint`; it is open when the head of the answer is there. */
export const openStream = (
  endpoint: Endpoint,
  target: Target,
  request: StreamRequest,
): Effect.Effect<OpenStream, Failure> =>
  Effect.suspend(() => {
    const way = new Way(endpoint, target, request.signal)
    const transport = createGrpcTransport({ baseUrl: way.authority, sessionManager: way, acceptCompression: [] })
    const { method, message, headers, timeoutMs, signal } = request
    return Effect.map(
      Effect.tryPromise({
        try: () => transport.stream(method, signal, timeoutMs, headers, once(message)),
        catch: (cause) => way.failureOf(cause),
      }),
      (response) => ({ messages: response.message, failureOf: (cause) => way.failureOf(cause) }),
    )
  })

/** Lets connect-es make its one request on a connection of the endpoint. */
class Way implements SessionManager {
  /** What connect-es compares a call's address with. */
  readonly authority: string
  readonly #target: Target
  readonly #endpoint: Endpoint
  readonly #signal: AbortSignal
  #connection: Connection | undefined
  #stream: http2.ClientHttp2Stream | undefined
  #status: string | undefined

  constructor(endpoint: Endpoint, target: Target, signal: AbortSignal) {
    this.authority = new URL(`${target.scheme}://${target.authority}`).origin
    this.#target = target
    this.#endpoint = endpoint
    this.#signal = signal
  }

  async request(method: string, path: string, headers: http2.OutgoingHttpHeaders): Promise<http2.ClientHttp2Stream> {
    const connection = this.#endpoint.began()
    this.#connection = connection
    await new Promise<void>((settled) => connection.whenSettled(settled))
    if (!connection.made) {
      this.#endpoint.ended(connection)
      throw away(connection.reason)
    }
    const stream = connection.request({
      ...headers,
      ":method": method,
      ":path": path,
      ":scheme": this.#target.scheme,
      ":authority": this.#target.authority,
    })
    this.#stream = stream
    const read = (trailers: http2.IncomingHttpHeaders) => {
      this.#status ??= trailers["grpc-status"]?.toString()
    }
    stream.once("response", read)
    stream.once("trailers", read)
    stream.once("close", () => this.#closed(connection, stream))
    // It may break before connect-es listens.
    stream.on("error", () => {})
    return stream
  }

  notifyResponseByteRead(): void {}

  failureOf(cause: unknown): Failure {
    const error = fromConnectError(cause)
    const isOurs = this.#signal.aborted || error._tag === "DeadlineExceeded"
    const [connection, stream] = [this.#connection, this.#stream]
    const isOpen = stream !== undefined && !stream.destroyed
    if (this.#status !== undefined || isOurs || connection === undefined || isOpen) {
      return { error, fate: "answered", endpoint: this.#endpoint }
    }
    return { error: away(connection.reason), fate: connection.fate(stream), endpoint: this.#endpoint }
  }

  #closed(connection: Connection, stream: http2.ClientHttp2Stream): void {
    const { breaker } = this.#endpoint
    if (this.#status === String(codeOf(unavailable))) this.#endpoint.failed()
    else if (this.#status !== undefined) breaker.succeeded()
    else if (this.#signal.aborted || connection.fate(stream) !== "lost" || connection.broken) breaker.abandoned()
    else this.#endpoint.failed()
    this.#endpoint.ended(connection)
  }
}

const unavailable = away("")

// connect-es types a message by its descriptor; here it is any message of the mesh.
async function* once(message: object): AsyncIterable<never> {
  yield message as never
}
