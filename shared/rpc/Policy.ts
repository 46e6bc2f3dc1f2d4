/** The policy of an rpc, read from its contract once, when the rpc is registered. */
import { type DescField, type DescMethod, getOption, hasOption, ScalarType } from "@bufbuild/protobuf"
import { durationMs, MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt"
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import {
  Access,
  ErrorShape,
  type Policy as PolicyOption,
  policy as policyOption,
  RateClass as RateClasses,
} from "#gen/authsome/mesh/v1/policy_pb.ts"
import { isReason, type Reason } from "./PublicError.ts"

/** Who may call, by the contract's name. */
export type AccessKind = Exclude<keyof typeof Access, "UNSPECIFIED">

/** How dear a call is, by the contract's name. */
export type RateClass = Exclude<keyof typeof RateClasses, "UNSPECIFIED">

export interface Policy {
  readonly access: AccessKind
  /** Empty where identity alone is enough. */
  readonly permission: string
  /** The request field that names the resource of the permission; empty where there is none. */
  readonly scope: string
  /** The peers that may call an internal rpc; empty: every one. */
  readonly callers: ReadonlyArray<string>
  readonly deadlineMs: number
  /** The HTTP status of a successful REST call. */
  readonly successStatus: number
  readonly accessLog: boolean
  readonly flatErrors: boolean
  /** The name under which a change is recorded; empty: it is not. */
  readonly audit: string
  /** Why the rpc may refuse; for any other reason it may not. */
  readonly reasons: ReadonlySet<Reason>
  /** Undefined where callers are not counted: programs of the mesh and of vendors answer for many persons. */
  readonly rateClass: RateClass | undefined
  /** Whether a request may carry an idempotency key in `request_id`, which is honoured wherever a call changes anything. */
  readonly takesIdempotencyKey: boolean
  /** Whether a client may repeat the call after a failure that may or may not have reached the server. */
  readonly repeatable: boolean
}

/** The full name of an rpc, as in paths, spans and metrics. */
export const rpcName = (method: DescMethod): string => `${method.parent.typeName}/${method.name}`

const kinds = new Map<number, AccessKind>(
  Object.entries(Access).flatMap(([name, value]) => (name === "UNSPECIFIED" ? [] : [[value, name as AccessKind]])),
)

const rateClasses = new Map<number, RateClass>([
  [RateClasses.UNSPECIFIED, "DEFAULT"],
  [RateClasses.DEFAULT, "DEFAULT"],
  [RateClasses.CREDENTIAL, "CREDENTIAL"],
  [RateClasses.COSTLY, "COSTLY"],
])

/** Whose callers come from outside and are one person or program each. */
const counted: ReadonlySet<AccessKind> = new Set<AccessKind>(["PUBLIC", "USER", "INSTANCE_KEY", "SESSION"])

/** Whose callers nobody can give a permission to. */
const unknownPeople: ReadonlySet<AccessKind> = new Set<AccessKind>(["PUBLIC", "ZITADEL", "SIGNED_WEBHOOK"])

const shapes: ReadonlySet<number> = new Set(Object.values(ErrorShape))

const reasons = Object.entries(ErrorReason).flatMap(([name, value]) => (isReason(name) ? [{ name, value }] : []))

/** The contract keeps the numbers up to 99 for reasons that any rpc may give. */
const isGeneral = ({ value }: { readonly value: ErrorReason }): boolean => value < 100

const isText = ({ fieldKind, scalar }: DescField): boolean => fieldKind === "scalar" && scalar === ScalarType.STRING

/** What in a policy makes no sense, or is of a later contract than this program; undefined: nothing. */
const mistakeIn = (method: DescMethod, access: AccessKind, option: PolicyOption): string | undefined => {
  const { permission, scope, callers, successStatus, audit, rateClass, errorShape } = option
  if (access === "USER" && permission !== "" && scope === "") return "its permission has no scope"
  if (unknownPeople.has(access) && permission !== "") return "nobody can have its permission"
  if (access !== "INTERNAL" && callers.length > 0) return "its callers are no programs of the mesh"
  if (scope !== "" && !method.input.fields.some((field) => field.name === scope && isText(field))) {
    return `its scope "${scope}" is not a text of the request`
  }
  if (successStatus !== 0 && (successStatus < 200 || successStatus > 299)) {
    return `its status ${successStatus} is none of success`
  }
  if (audit !== "" && method.methodKind !== "unary") return "a stream is not audited"
  if (!rateClasses.has(rateClass)) return "its rate class is unknown"
  if (!shapes.has(errorShape)) return "its error shape is unknown"
  const stranger = option.reasons.find((reason) => reasons.every(({ value }) => value !== reason))
  return stranger === undefined ? undefined : `its reason ${stranger} is unknown`
}

/** The policy of `method`, or why it cannot be served: without a complete policy an rpc is refused, never open. */
export const policyOf = (method: DescMethod): Policy => {
  const refuse = (why: string): never => {
    throw new Error(`${rpcName(method)} cannot be served: ${why}`)
  }
  if (!hasOption(method, policyOption)) return refuse("it has no policy")
  const option = getOption(method, policyOption)
  const access = kinds.get(option.access) ?? refuse("its policy does not say who may call")
  if (option.deadline === undefined || durationMs(option.deadline) <= 0) return refuse("its policy has no deadline")
  const mistake = mistakeIn(method, access, option)
  if (mistake !== undefined) return refuse(mistake)
  return {
    access,
    permission: option.permission,
    scope: option.scope,
    callers: option.callers,
    deadlineMs: durationMs(option.deadline),
    successStatus: option.successStatus || (method.output.fields.length === 0 ? 204 : 200),
    accessLog: option.accessLog,
    flatErrors: option.errorShape === ErrorShape.FLAT,
    audit: option.audit,
    reasons: new Set(
      reasons.filter((each) => isGeneral(each) || option.reasons.includes(each.value)).map(({ name }) => name),
    ),
    rateClass: counted.has(access) ? rateClasses.get(option.rateClass) : undefined,
    takesIdempotencyKey:
      method.idempotency !== Idempotency.NO_SIDE_EFFECTS &&
      method.input.fields.some(({ name, scalar }) => name === "request_id" && scalar === ScalarType.STRING),
    repeatable: method.idempotency === Idempotency.NO_SIDE_EFFECTS || method.idempotency === Idempotency.IDEMPOTENT,
  }
}
