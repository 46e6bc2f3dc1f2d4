/** Exchanges over Node's own sockets: whatever bytes and headers a case wants. Giving one up (by interruption) hangs up. */
import * as http from "node:http"
import * as http2 from "node:http2"
import * as Effect from "effect/Effect"

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

const texts = (headers: http2.IncomingHttpHeaders | http.IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )

/** One exchange on a connection of its own over HTTP/2. A stream that ends without headers has status 0. */
export const overHttp2 = (port: number, { path, body, headers, verb = "POST" }: Exchange): Effect.Effect<Raw> =>
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
