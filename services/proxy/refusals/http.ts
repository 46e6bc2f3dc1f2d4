/** Refusals as customers see them: the documented error shape, with a reason from the contract. */
import type { ServerResponse } from "node:http"
import {
  InvalidRequest,
  NotFound,
  PermissionDenied,
  type PublicError,
  ResourceExhausted,
  Unauthenticated,
  Unavailable,
  Unimplemented,
} from "#shared/rpc/PublicError.ts"
import { errorAnswer } from "#shared/rpc/rest/errors.ts"
import type { Refusal } from "./Refusal.ts"

/** Answers with the refusal beside `headers` (name, value, name, value); returns the HTTP status. */
export const sendRefusal = (
  response: ServerResponse,
  refusal: Refusal,
  requestId: string,
  headers: ReadonlyArray<string>,
): number => {
  const { status, body, retryAfterSeconds } = errorAnswer.of(publicError(refusal), false, requestId)
  const bytes = Buffer.from(JSON.stringify(body))
  const head = [...headers, "content-type", "application/json", "content-length", String(bytes.length)]
  if (retryAfterSeconds !== undefined) head.push("retry-after", String(retryAfterSeconds))
  response.writeHead(status, head).end(bytes)
  return status
}

const soon = 1000
const aWhile = 5000

const publicError = (refusal: Refusal): PublicError => {
  switch (refusal._tag) {
    case "InvalidKey":
      return new Unauthenticated({
        reason: "INVALID_KEY",
        message: "the API key is missing, malformed, unknown, revoked, expired or another application's",
      })
    case "UnknownApplication":
      return new NotFound({ reason: "UNKNOWN_APPLICATION", message: "there is no such application" })
    case "VerdictUnavailable":
      return new Unavailable({
        reason: "UNAVAILABLE",
        message: "the API key cannot be checked just now",
        retryAfterMs: soon,
      })
    case "ApplicationProvisioning":
      return new Unavailable({
        reason: "APPLICATION_PROVISIONING",
        message: "the application is still being made",
        retryAfterMs: aWhile,
      })
    case "ApplicationSuspended":
      return new Unavailable({
        reason: "APPLICATION_SUSPENDED",
        message: because("the application is suspended", refusal.why),
      })
    case "ApplicationFailed":
      return new Unavailable({
        reason: "APPLICATION_FAILED",
        message: because("the application could not be made", refusal.why),
      })
    case "ApplicationDeleting":
      return new Unavailable({ reason: "APPLICATION_DELETING", message: "the application is being deleted" })
    case "InstanceUnavailable":
      return new Unavailable({
        reason: "INSTANCE_UNAVAILABLE",
        message: "the application's instance does not answer",
        retryAfterMs: soon,
      })
    case "OriginRefused":
      return new PermissionDenied({
        reason: "SCOPE_MISSING",
        message: "the API key is not accepted from this web origin",
      })
    case "RateLimited":
      return new ResourceExhausted({
        reason: "RATE_LIMITED",
        message: "the API key's requests of this second are used up",
        retryAfterMs: refusal.retryAfterMs,
      })
    case "BodyTooLarge":
      return new ResourceExhausted({
        reason: "MESSAGE_TOO_LARGE",
        message: `the body is larger than ${refusal.limit} bytes`,
      })
    case "PathRefused":
      return new InvalidRequest({ reason: "INVALID_REQUEST", message: "the path or query is malformed" })
    case "NotOffered":
      return new Unimplemented({ reason: "UNIMPLEMENTED", message: "this method or upgrade is not offered" })
  }
}

const because = (what: string, why: string | undefined): string => (why === undefined ? what : `${what}: ${why}`)
