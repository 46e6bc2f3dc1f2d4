/** An instance of a test's own: a real HTTP server that answers as the test says, and remembers what it saw. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly body: Buffer
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Reads the whole body and answers with `{"ok":true}`. */
export const answerOk: Answer = (request, response) => {
  request.resume()
  request.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}'))
}

export class TestInstance extends Context.Service<
  TestInstance,
  {
    readonly url: string
    /** What it saw, oldest first; a request appears when its body has come whole. */
    readonly seen: Array<Seen>
    /** How it answers from now on. */
    answer: Answer
  }
>()("proxy/testing/TestInstance") {
  static readonly layer = Layer.effect(
    TestInstance,
    Effect.gen(function* () {
      const seen: Array<Seen> = []
      const instance = { url: "", seen, answer: answerOk }
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          const { method = "", url = "", headers } = request
          seen.push({ method, url, headers, body: Buffer.concat(chunks) })
        })
        instance.answer(request, response)
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => {
          server.listen(0, "127.0.0.1", () => resume(Effect.void))
        }),
        () =>
          Effect.callback<void>((resume) => {
            server.close(() => resume(Effect.void))
            server.closeAllConnections()
          }),
      )
      instance.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      return instance
    }),
  )
}
