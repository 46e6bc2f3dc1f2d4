/** The policy of an rpc, read from its contract once, when the rpc is registered. */
import { type DescMethod, getOption, hasOption, ScalarType } from "@bufbuild/protobuf"
import { durationMs, MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt"
import { Access, ErrorShape, policy as policyOption } from "#gen/authsome/mesh/v1/policy_pb.ts"

/** Who may call, by the contract's name. */
export type AccessKind = Exclude<keyof typeof Access, "UNSPECIFIED">

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

/** The policy of `method`, or why it cannot be served: without a complete policy an rpc is refused, never open. */
export const policyOf = (method: DescMethod): Policy => {
  const refuse = (why: string): never => {
    throw new Error(`${rpcName(method)} cannot be served: ${why}`)
  }
  if (!hasOption(method, policyOption)) return refuse("it has no policy")
  const option = getOption(method, policyOption)
  const access = kinds.get(option.access) ?? refuse("its policy does not say who may call")
  if (option.deadline === undefined || durationMs(option.deadline) <= 0) return refuse("its policy has no deadline")
  if (access === "USER" && option.permission !== "" && option.scope === "") {
    return refuse("its permission has no scope")
  }
  if (option.scope !== "" && method.input.fields.every((field) => field.name !== option.scope)) {
    return refuse(`its scope "${option.scope}" is not a field of the request`)
  }
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
    takesIdempotencyKey:
      method.idempotency !== Idempotency.NO_SIDE_EFFECTS &&
      method.input.fields.some(({ name, scalar }) => name === "request_id" && scalar === ScalarType.STRING),
    repeatable: method.idempotency === Idempotency.NO_SIDE_EFFECTS || method.idempotency === Idempotency.IDEMPOTENT,
  }
}
