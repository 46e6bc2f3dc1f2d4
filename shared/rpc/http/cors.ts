/**
 * Cross-origin calls by browsers (Fetch standard, section 3.3, "CORS protocol"). Callers show themselves by headers and never
 * by cookies, so credentials are never allowed, and an origin is always named instead of "*".
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Listener } from "./onePort.ts"

/** Headers by their lower-case names. */
type Headers = Readonly<Record<string, string>>

/** How long a browser may remember the answer to a preflight: as long as any does. Seconds. */
const maxAge = "7200"

/** What browsers ask before a call that a plain form could not make. It is no call: nobody need be known. */
export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined

/** The headers that let a page of `origin` call these methods with these headers. */
export const preflightHeaders = (
  origin: string,
  methods: ReadonlyArray<string>,
  requestHeaders: ReadonlyArray<string>,
): Headers => ({
  "access-control-allow-origin": origin,
  "access-control-allow-methods": methods.join(", "),
  "access-control-allow-headers": requestHeaders.join(", "),
  "access-control-max-age": maxAge,
  vary: "Origin",
})

/** The headers that let a page of `origin` read an answer, and of its headers these. */
export const answerHeaders = (origin: string, exposed: ReadonlyArray<string>): Headers => ({
  "access-control-allow-origin": origin,
  "access-control-expose-headers": exposed.join(", "),
  vary: "Origin",
})

/** What pages may send with a call of any of our protocols. */
const requestHeaders = [
  ...["authorization", "content-type", "idempotency-key", "x-request-id"],
  ...["connect-protocol-version", "connect-timeout-ms", "grpc-timeout", "x-grpc-web", "x-user-agent"],
]

/** What pages may read of an answer in any of our protocols. */
const exposedHeaders = [
  ...["x-request-id", "retry-after", "content-disposition"],
  ...["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
  ...["grpc-status", "grpc-message", "grpc-status-details-bin"],
]

export interface CorsOptions {
  /** The web origins whose pages may call, exactly as browsers name them: scheme, host and port. */
  readonly origins: ReadonlyArray<string>
  /** The HTTP methods that are offered at a path, without query; none where nothing is there. */
  readonly methodsAt: (path: string) => ReadonlyArray<string>
}

/** `next` for pages of the `origins` too. Of other origins nobody learns anything that the answer does not say anyway. */
export const withCors = ({ origins, methodsAt }: CorsOptions, next: Listener): Listener => {
  if (origins.length === 0) return next
  const known = new Set(origins)
  return (request, response) => {
    // What was answered to one origin must not be kept for another.
    response.setHeader("vary", "Origin")
    const { origin } = request.headers
    const allowed = origin !== undefined && known.has(origin) ? origin : undefined
    if (isPreflight(request)) {
      const methods = methodsAt(request.url?.split("?", 1)[0] ?? "")
      if (allowed === undefined) return refuse(response, 403)
      if (methods.length === 0) return refuse(response, 404)
      response.writeHead(204, preflightHeaders(allowed, methods, requestHeaders)).end()
      return
    }
    if (allowed !== undefined) {
      for (const [name, value] of Object.entries(answerHeaders(allowed, exposedHeaders)))
        response.setHeader(name, value)
    }
    next(request, response)
  }
}

const refuse = (response: ServerResponse, status: number): void => {
  response.writeHead(status, { "content-length": 0 }).end()
}
