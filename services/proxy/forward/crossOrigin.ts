/**
 * Browsers, on pages of a customer's own origin. A preflight shows no key, so it cannot be told whose key will follow: any
 * origin may ask, and the key's own origins are held to when the call itself comes. Nothing here depends on cookies.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { answerHeaders, isPreflight, preflightHeaders } from "#shared/rpc/http/cors.ts"

/** Which of them a path has only its instance knows. */
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

const requestHeaders = [
  ...["authorization", "x-api-key", "x-authsome-session", "content-type", "idempotency-key", "x-request-id"],
  "traceparent",
]

const exposedHeaders = [
  ...["x-authsome-app-id", "x-authsome-request-id", "x-authsome-region", "x-request-id", "retry-after"],
  ...["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "content-disposition"],
]

/** Answers a preflight, and returns false for everything else. It is no request of the customer's: nobody pays for it. */
export const answerPreflight = (request: IncomingMessage, response: ServerResponse): boolean => {
  const { origin } = request.headers
  if (origin === undefined || !isPreflight(request)) return false
  response.writeHead(204, preflightHeaders(origin, methods, requestHeaders)).end()
  return true
}

/** The headers, name and value in turn, that let a page of this origin read the answer; none for who is no page. */
export const forPage = (origin: string | undefined): ReadonlyArray<string> =>
  origin === undefined ? [] : Object.entries(answerHeaders(origin, exposedHeaders)).flat()
