/** How a public error looks in REST: status, body and Retry-After. */
import type { JsonObject } from "@bufbuild/protobuf"
import type { PublicError } from "../PublicError.ts"

export interface ErrorAnswer {
  readonly status: number
  readonly body: JsonObject
  readonly retryAfterSeconds: number | undefined
}

const statuses = {
  InvalidRequest: [400, "invalid_request"],
  Unauthenticated: [401, "unauthorized"],
  PermissionDenied: [403, "forbidden"],
  NotFound: [404, "not_found"],
  AlreadyExists: [409, "conflict"],
  FailedPrecondition: [409, "conflict"],
  Aborted: [409, "conflict"],
  ResourceExhausted: [429, "rate_limit_exceeded"],
  Unavailable: [503, "service_unavailable"],
  Unimplemented: [501, "not_implemented"],
  DeadlineExceeded: [504, "deadline_exceeded"],
  Canceled: [499, "canceled"],
  Internal: [500, "internal_error"],
} satisfies Record<PublicError["_tag"], readonly [number, string]>

/** Resource exhaustion is a rate, a size or a busy server, and a body may be the wrong one altogether: HTTP tells them apart. */
const statusOf = (error: PublicError): readonly [number, string] => {
  switch (error.reason) {
    case "UNSUPPORTED_MEDIA_TYPE":
      return [415, "unsupported_media_type"]
    case "MESSAGE_TOO_LARGE":
      return [413, "request_too_large"]
    case "OVERLOADED":
      return statuses.Unavailable
    default:
      return statuses[error._tag]
  }
}

const of = (error: PublicError, flat: boolean, requestId: string): ErrorAnswer => {
  const [status, code] = statusOf(error)
  const reason = error.reason.toLowerCase()
  const retryAfterSeconds =
    error.retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(error.retryAfterMs / 1000))
  if (flat) return { status, retryAfterSeconds, body: { error: reason, message: error.message } }
  const details = error.violations?.map(({ field, description }) => ({ field, message: description }))
  return {
    status,
    retryAfterSeconds,
    body: {
      error: {
        code,
        message: error.message,
        reason,
        ...(details === undefined ? {} : { details }),
        ...(error.metadata === undefined || Object.keys(error.metadata).length === 0
          ? {}
          : { metadata: { ...error.metadata } }),
        requestId,
        ...(retryAfterSeconds === undefined ? {} : { retryAfter: retryAfterSeconds }),
      },
    },
  }
}

const methodNotAllowed = (method: string): ErrorAnswer => ({
  status: 405,
  retryAfterSeconds: undefined,
  body: {
    error: {
      code: "method_not_allowed",
      message: `${method} is not offered here`,
      reason: "unimplemented",
      requestId: "",
    },
  },
})

/** The answer where nothing is served at a path. */
export const noRoute: ErrorAnswer = {
  status: 404,
  retryAfterSeconds: undefined,
  body: { error: { code: "not_found", message: "there is nothing at this path", reason: "not_found", requestId: "" } },
}

/** The answers to calls that fail. */
export const errorAnswer = { of, methodNotAllowed }
