/** The body of a customer's request on its way to the instance. */
import type { IncomingMessage } from "node:http"
import { Transform } from "node:stream"
import { readBody } from "#shared/rpc/http/body.ts"
import type { InboundHead } from "./inbound.ts"

/** Bodies up to this size are read whole first: a slow customer then holds no connection to the instance. Bytes. */
const wholeUpTo = 64 * 1024

export interface BodyOptions {
  readonly limit: number
  /** Called with the body, as far as it must be there to begin; null where there is none. */
  readonly ready: (body: Buffer | Transform | null) => void
  /** Called once, at the latest when more than `limit` bytes have come. */
  readonly tooLarge: () => void
  /** Called with the size of what came. */
  readonly received: (bytes: number) => void
}

/** Begins to take the body; never takes more than `limit` bytes of it. */
export const takeBody = (
  request: IncomingMessage,
  { contentLength, chunked }: InboundHead,
  options: BodyOptions,
): void => {
  const { limit, ready, tooLarge, received } = options
  if (chunked) return ready(bounded(request, options))
  if (contentLength === undefined || contentLength === 0) return ready(null)
  if (!(contentLength <= limit)) return tooLarge()
  if (contentLength > wholeUpTo) return ready(bounded(request, options))
  const whole = (body: Buffer): void => {
    received(body.length)
    ready(body)
  }
  readBody(request, contentLength, whole, tooLarge)
}

/** The body as it comes. The instance's side may be destroyed without the customer's, who is still owed an answer. */
const bounded = (request: IncomingMessage, { limit, tooLarge, received }: BodyOptions): Transform => {
  let size = 0
  const body = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      size += chunk.length
      received(chunk.length)
      if (size <= limit) return done(null, chunk)
      tooLarge()
      done(new RangeError("the body is too large"))
    },
  })
  // Destroyed by whoever reads it; the error is that reader's to report.
  body.on("error", () => {})
  request.pipe(body)
  return body
}
