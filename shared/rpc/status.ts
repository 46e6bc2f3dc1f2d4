/** Public errors on the wire: google.rpc.Status with ErrorInfo, BadRequest and RetryInfo, and back into typed errors. */
import { create } from "@bufbuild/protobuf"
import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt"
import { Code, ConnectError } from "@connectrpc/connect"
import {
  BadRequest_FieldViolationSchema,
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#gen/google/rpc/error_details_pb.ts"
import { classes, isReason, type PublicError, type Reason, type Refusal } from "./PublicError.ts"

/** The `domain` of every ErrorInfo: who defines the reasons. */
export const errorDomain = "authsome.mesh.v1"

const codes = {
  InvalidRequest: Code.InvalidArgument,
  Unauthenticated: Code.Unauthenticated,
  PermissionDenied: Code.PermissionDenied,
  NotFound: Code.NotFound,
  AlreadyExists: Code.AlreadyExists,
  FailedPrecondition: Code.FailedPrecondition,
  Aborted: Code.Aborted,
  ResourceExhausted: Code.ResourceExhausted,
  Unavailable: Code.Unavailable,
  Unimplemented: Code.Unimplemented,
  DeadlineExceeded: Code.DeadlineExceeded,
  Canceled: Code.Canceled,
  Internal: Code.Internal,
} satisfies Record<PublicError["_tag"], Code>

/** What a code means when no reason of ours came with it: another implementation, or a proxy in between. */
const kinds: Record<Code, { readonly tag: PublicError["_tag"]; readonly reason: Reason }> = {
  [Code.Canceled]: { tag: "Canceled", reason: "CANCELED" },
  [Code.Unknown]: { tag: "Internal", reason: "INTERNAL" },
  [Code.InvalidArgument]: { tag: "InvalidRequest", reason: "INVALID_REQUEST" },
  [Code.DeadlineExceeded]: { tag: "DeadlineExceeded", reason: "DEADLINE_EXCEEDED" },
  [Code.NotFound]: { tag: "NotFound", reason: "NOT_FOUND" },
  [Code.AlreadyExists]: { tag: "AlreadyExists", reason: "INVALID_REQUEST" },
  [Code.PermissionDenied]: { tag: "PermissionDenied", reason: "PERMISSION_DENIED" },
  [Code.ResourceExhausted]: { tag: "ResourceExhausted", reason: "OVERLOADED" },
  [Code.FailedPrecondition]: { tag: "FailedPrecondition", reason: "INVALID_REQUEST" },
  [Code.Aborted]: { tag: "Aborted", reason: "REQUEST_IN_PROGRESS" },
  [Code.OutOfRange]: { tag: "InvalidRequest", reason: "INVALID_REQUEST" },
  [Code.Unimplemented]: { tag: "Unimplemented", reason: "UNIMPLEMENTED" },
  [Code.Internal]: { tag: "Internal", reason: "INTERNAL" },
  [Code.Unavailable]: { tag: "Unavailable", reason: "UNAVAILABLE" },
  [Code.DataLoss]: { tag: "Internal", reason: "INTERNAL" },
  [Code.Unauthenticated]: { tag: "Unauthenticated", reason: "UNAUTHENTICATED" },
}

/** The gRPC code of a public error. */
export const codeOf = (error: PublicError): Code => codes[error._tag]

/** The longest sentence of an error in UTF-16 units: what comes after it would no longer fit into the headers of a peer. */
const longestText = 1000
const longestPart = 200

/**
 * Text as a header can hold it, however much of a request it quotes: no longer than headers may be, and well-formed Unicode.
 */
export const sendable = (text: string, longest = longestText): string =>
  (text.length > longest ? `${text.slice(0, longest)}…` : text).toWellFormed()

/** The error as Connect and gRPC send it. */
export const toConnectError = (error: PublicError): ConnectError => {
  const wire = new ConnectError(sendable(error.message), codeOf(error))
  wire.details.push({
    desc: ErrorInfoSchema,
    value: { reason: error.reason, domain: errorDomain, metadata: { ...error.metadata } },
  })
  if (error.violations !== undefined) {
    const fieldViolations = error.violations.map(({ field, description }) =>
      create(BadRequest_FieldViolationSchema, {
        field: sendable(field, longestPart),
        description: sendable(description, longestPart),
      }),
    )
    wire.details.push({ desc: BadRequestSchema, value: { fieldViolations } })
  }
  if (error.retryAfterMs !== undefined) {
    wire.details.push({ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(Math.ceil(error.retryAfterMs)) } })
  }
  return wire
}

/** The typed error that a received one stands for; `cause` may be anything that a transport threw. */
export const fromConnectError = (cause: unknown): PublicError => {
  const wire = ConnectError.from(cause)
  const kind = kinds[wire.code]
  const info = wire.findDetails(ErrorInfoSchema)[0]
  const retryDelay = wire.findDetails(RetryInfoSchema)[0]?.retryDelay
  const refusal: Refusal = {
    reason: info !== undefined && isReason(info.reason) ? info.reason : kind.reason,
    message: wire.rawMessage,
    metadata: info?.metadata,
    violations: wire.findDetails(BadRequestSchema)[0]?.fieldViolations,
    retryAfterMs: retryDelay === undefined ? undefined : durationMs(retryDelay),
  }
  return new classes[kind.tag](refusal)
}
