/** What the audit log says of a call, from its contract, its request and what its handler told. */
import { isFieldSet } from "@bufbuild/protobuf"
import type { Change } from "../rpc/Change.ts"
import { rpcName } from "../rpc/Policy.ts"
import type { RecordedCall } from "../rpc/Recorder.ts"
import { actorOf } from "./Actor.ts"
import type { AuditEntry } from "./AuditLog.ts"

/** The entry of a call that changed something; undefined where neither scope nor handler say what. */
export const entryOf = (call: RecordedCall, told: Change | undefined): AuditEntry | undefined => {
  const { method, policy, caller, facts, grant } = call
  const scope = scopeOf(call)
  const resource = told ?? scope
  if (resource === undefined) return undefined
  const isPart = scope !== undefined && scope.id !== resource.id
  return {
    action: policy.audit,
    rpc: rpcName(method),
    actor: actorOf(caller),
    container: told?.container ?? grant.container,
    resource: { type: resource.type, id: resource.id },
    details: { fields: fieldsOf(call), ...(isPart ? { [scope.field]: scope.id } : {}) },
    origin: told?.origin,
    caller,
    call: facts,
  }
}

/** The resource that the contract's scope names: "application_id" is the id of an "application". */
const scopeOf = ({ method, policy, request }: RecordedCall) => {
  const field = method.input.fields.find(({ name }) => name === policy.scope)
  if (field === undefined) return undefined
  const id: unknown = Reflect.get(request, field.localName)
  return typeof id === "string" && id !== ""
    ? { type: field.name.replace(/_id$/, ""), field: field.jsonName, id }
    : undefined
}

const fieldsOf = ({ method, policy, request }: RecordedCall): ReadonlyArray<string> =>
  method.input.fields
    .filter((field) => field.name !== "request_id" && field.name !== policy.scope && isFieldSet(request, field))
    .map(({ jsonName }) => jsonName)
