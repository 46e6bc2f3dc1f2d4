/**
 * The errors that a caller may see: a closed family, one class per kind of refusal, each with a reason from the contract.
 * Whatever else goes wrong in a handler is a defect: it is logged with its cause and leaves the process as an opaque
 * internal error.
 */
import * as Data from "effect/Data"
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"

/** The name of a reason in the contract, such as "SLUG_TAKEN". */
export type Reason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">

/** One field of a request that broke a rule. `field` is a path such as "user.email" or "keys[2]". */
export interface Violation {
  readonly field: string
  readonly description: string
}

export interface Refusal {
  readonly reason: Reason
  /** A sentence for the developer who reads it: never a secret, a key or an e-mail address. */
  readonly message: string
  /** Facts that a program may act on, such as the slug that is taken. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** When a retry may succeed. Milliseconds. */
  readonly retryAfterMs?: number | undefined
  readonly violations?: ReadonlyArray<Violation> | undefined
}

/** The request itself is wrong; repeating it is useless. */
export class InvalidRequest extends Data.TaggedError("InvalidRequest")<Refusal> {}
/** Credentials are missing or wrong. */
export class Unauthenticated extends Data.TaggedError("Unauthenticated")<Refusal> {}
/** The caller is known, but may not do this. */
export class PermissionDenied extends Data.TaggedError("PermissionDenied")<Refusal> {}
/** The resource does not exist, or the caller may not know that it does. */
export class NotFound extends Data.TaggedError("NotFound")<Refusal> {}
/** What the caller wants to make exists. */
export class AlreadyExists extends Data.TaggedError("AlreadyExists")<Refusal> {}
/** The resource's state does not allow this; the caller must change something first. */
export class FailedPrecondition extends Data.TaggedError("FailedPrecondition")<Refusal> {}
/** Somebody else was faster; the same request may succeed when repeated. */
export class Aborted extends Data.TaggedError("Aborted")<Refusal> {}
/** A rate, a quota or a size is used up. */
export class ResourceExhausted extends Data.TaggedError("ResourceExhausted")<Refusal> {}
/** Something that the call needs is away for now. */
export class Unavailable extends Data.TaggedError("Unavailable")<Refusal> {}
/** This server does not offer the rpc. */
export class Unimplemented extends Data.TaggedError("Unimplemented")<Refusal> {}
/** The call took longer than its deadline. */
export class DeadlineExceeded extends Data.TaggedError("DeadlineExceeded")<Refusal> {}
/** The caller hung up. */
export class Canceled extends Data.TaggedError("Canceled")<Refusal> {}
/** A defect on the other side of a call. */
export class Internal extends Data.TaggedError("Internal")<Refusal> {}

export type PublicError =
  | InvalidRequest
  | Unauthenticated
  | PermissionDenied
  | NotFound
  | AlreadyExists
  | FailedPrecondition
  | Aborted
  | ResourceExhausted
  | Unavailable
  | Unimplemented
  | DeadlineExceeded
  | Canceled
  | Internal

/** The class of each tag: how a wire status becomes a typed error again. */
export const classes = {
  InvalidRequest,
  Unauthenticated,
  PermissionDenied,
  NotFound,
  AlreadyExists,
  FailedPrecondition,
  Aborted,
  ResourceExhausted,
  Unavailable,
  Unimplemented,
  DeadlineExceeded,
  Canceled,
  Internal,
} satisfies { readonly [E in PublicError as E["_tag"]]: new (refusal: Refusal) => E }

export const isPublicError = (error: unknown): error is PublicError =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  typeof error._tag === "string" &&
  error._tag in classes

/** Whether `name` is a reason of the contract. */
export const isReason = (name: string): name is Reason => name !== "UNSPECIFIED" && Object.hasOwn(ErrorReason, name)

/** More broken rules help nobody, and would not fit into the headers in which gRPC sends an error. */
const mostViolations = 20

/** The refusal of a request whose named fields broke a rule; it names the first of them. */
export const invalidFields = (all: ReadonlyArray<Violation>): InvalidRequest => {
  const violations = all.slice(0, mostViolations)
  const sentences = violations.map(({ field, description }) =>
    field === "" ? description : `${field}: ${description}`,
  )
  if (all.length > violations.length) sentences.push(`and ${all.length - violations.length} more`)
  return new InvalidRequest({ reason: "INVALID_REQUEST", message: sentences.join("; "), violations })
}
