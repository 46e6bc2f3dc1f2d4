/** A server of bare HTTP/2 streams, for what no gRPC library would do. */
import * as http2 from "node:http2"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface RawCall {
  readonly stream: http2.ServerHttp2Stream
  readonly session: http2.ServerHttp2Session
  /** 1 for the first stream that the server gets. */
  readonly number: number
}

/** Serves every stream with `serve` when its request is complete. */
export const startRaw = (serve: (call: RawCall) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: http2.Http2Server; readonly sessions: Set<http2.ServerHttp2Session> }>(
        (resume) => {
          const server = http2.createServer()
          const sessions = new Set<http2.ServerHttp2Session>()
          let number = 0
          server.on("session", (session) => sessions.add(session))
          server.on("stream", (stream: http2.ServerHttp2Stream) => {
            number += 1
            const call = number
            const session = [...sessions].find((each) => each === stream.session)
            stream.on("error", () => {})
            stream.resume().on("end", () => {
              if (session !== undefined) serve({ stream, session, number: call })
            })
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, sessions })))
        },
      ),
      ({ server, sessions }) =>
        Effect.sync(() => {
          server.close()
          for (const session of sessions) session.destroy()
        }),
    ),
    ({ server }) => {
      const address = server.address()
      return typeof address === "object" && address !== null ? address.port : 0
    },
  )

/** Answers as gRPC does: a body as it is given, and trailers. */
export const answerWith = (
  stream: http2.ServerHttp2Stream,
  body: Uint8Array,
  trailers: http2.OutgoingHttpHeaders = { "grpc-status": "0" },
): void => {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true })
  stream.once("wantTrailers", () => stream.sendTrailers(trailers))
  stream.end(body)
}
