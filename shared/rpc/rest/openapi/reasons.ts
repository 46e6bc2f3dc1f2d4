/** As which public errors the reasons of the contract are sent; the status follows from that as in every REST answer. */
import { classes, isReason, type PublicError, type Reason } from "../../PublicError.ts"
import { errorAnswer } from "../errors.ts"

type Kind = PublicError["_tag"]

/** Every reason, and the kinds of refusal that give it. */
export const kindsOfReason = {
  INVALID_REQUEST: ["InvalidRequest"],
  UNAUTHENTICATED: ["Unauthenticated"],
  PERMISSION_DENIED: ["PermissionDenied"],
  NOT_FOUND: ["NotFound"],
  MESSAGE_TOO_LARGE: ["ResourceExhausted"],
  RATE_LIMITED: ["ResourceExhausted"],
  OVERLOADED: ["ResourceExhausted"],
  UNAVAILABLE: ["Unavailable"],
  DEADLINE_EXCEEDED: ["DeadlineExceeded"],
  CANCELED: ["Canceled"],
  UNIMPLEMENTED: ["Unimplemented"],
  INTERNAL: ["Internal"],
  REQUEST_ID_REUSED: ["FailedPrecondition"],
  REQUEST_IN_PROGRESS: ["Aborted"],
  UNSUPPORTED_MEDIA_TYPE: ["InvalidRequest"],
  INVALID_CREDENTIALS: ["Unauthenticated"],
  ACCOUNT_LOCKED: ["ResourceExhausted"],
  EMAIL_TAKEN: ["AlreadyExists"],
  USERNAME_TAKEN: ["AlreadyExists"],
  TOKEN_INVALID: ["Unauthenticated"],
  TOKEN_REUSED: ["Unauthenticated"],
  TOTP_ENABLED: ["FailedPrecondition"],
  TOTP_DISABLED: ["FailedPrecondition"],
  SESSION_ENDED: ["Unauthenticated"],
  EMAIL_UNVERIFIED: ["FailedPrecondition"],
  SLUG_TAKEN: ["AlreadyExists"],
  APPLICATION_LIMIT_REACHED: ["FailedPrecondition"],
  APPLICATION_STATUS_CONFLICT: ["FailedPrecondition"],
  WORKSPACE_NOT_ACTIVE: ["FailedPrecondition"],
  LAST_OWNER: ["FailedPrecondition"],
  ALREADY_MEMBER: ["AlreadyExists"],
  INVITATION_INVALID: ["FailedPrecondition"],
  LIMIT_REACHED: ["FailedPrecondition"],
  INVALID_KEY: ["Unauthenticated"],
  UNKNOWN_APPLICATION: ["NotFound"],
  APPLICATION_PROVISIONING: ["Unavailable"],
  APPLICATION_SUSPENDED: ["Unavailable"],
  APPLICATION_FAILED: ["Unavailable"],
  APPLICATION_DELETING: ["Unavailable"],
  INSTANCE_UNAVAILABLE: ["Unavailable"],
  SCOPE_MISSING: ["PermissionDenied"],
  QUOTA_EXHAUSTED: ["ResourceExhausted"],
  INVALID_USER_ID: ["InvalidRequest"],
  USER_NOT_FOUND: ["NotFound"],
  UNAUTHORIZED: ["Unauthenticated", "Unavailable"],
  DATABASE_ERROR: ["Internal", "Unavailable"],
  NOT_A_MEMBER: ["NotFound"],
  PAYMENT_METHOD_REFUSED: ["FailedPrecondition"],
  PAYMENT_PROVIDER_UNAVAILABLE: ["Unavailable"],
  NO_BILLING_ACCOUNT: ["FailedPrecondition"],
} satisfies Record<Reason, ReadonlyArray<Kind>>

/** One status of an rpc's REST errors, with the reasons that come with it. */
export interface RefusedStatus {
  readonly status: number
  /** What the error shape calls the status, such as "conflict". */
  readonly code: string
  readonly reasons: ReadonlyArray<Reason>
}

/** The statuses with which `reasons` are sent, lowest first. */
export const statusesOf = (reasons: Iterable<Reason>): ReadonlyArray<RefusedStatus> => {
  const found = new Map<number, { readonly status: number; readonly code: string; readonly reasons: Array<Reason> }>()
  for (const reason of new Set(reasons)) {
    for (const kind of kindsOfReason[reason]) {
      const { status, code } = answerOf(kind, reason)
      const entry = found.get(status) ?? { status, code, reasons: [] }
      entry.reasons.push(reason)
      found.set(status, entry)
    }
  }
  return [...found.values()].sort((a, b) => a.status - b.status)
}

const answerOf = (kind: Kind, reason: Reason) => {
  const { status, body } = errorAnswer.of(new classes[kind]({ reason, message: "" }), false, "")
  const { error } = body
  const code = typeof error === "object" && error !== null && "code" in error ? String(error["code"]) : ""
  return { status, code }
}

/** Every name that the error shape has for a status. */
export const allCodes = (): ReadonlyArray<string> =>
  statusesOf(Object.keys(kindsOfReason).filter(isReason)).map(({ code }) => code)
