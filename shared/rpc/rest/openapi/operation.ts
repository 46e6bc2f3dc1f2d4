/** One route of the contract as an OpenAPI operation. */
import { type DescEnum, type DescField, type DescMessage, getOption } from "@bufbuild/protobuf"
import { ErrorReasonSchema } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { policy as policyOption, RateClass, RateClassSchema } from "#gen/authsome/mesh/v1/policy_pb.ts"
import { policyOf } from "../../Policy.ts"
import { isReason, type Reason } from "../../PublicError.ts"
import { type Binding, fieldAt } from "../Binding.ts"
import type { Comments, Content, Header, Operation, Parameter, Reference, Response, Schema } from "./Document.ts"
import type { Gateway } from "./openApi.ts"
import { isRequired } from "./presence.ts"
import type { Refusals } from "./Refusals.ts"
import type { Schemas } from "./Schemas.ts"
import { securityOf } from "./security.ts"
import { isText, wellKnown } from "./wellKnown.ts"

export interface Context {
  readonly schemas: Schemas
  readonly refusals: Refusals
  readonly comments: Comments
  readonly gateway: Gateway | undefined
}

/** The operation of a route; `nth` counts the routes of one rpc from 1. */
export const operationOf = (binding: Binding, nth: number, context: Context): Operation => {
  const { method } = binding
  const policy = policyOf(method)
  const option = getOption(method, policyOption)
  const says = context.comments.get(`${method.parent.typeName}.${method.name}`)
  const parameters = parametersOf(binding, context)
  const body = bodyOf(binding, context)
  return {
    operationId: `${method.parent.name}_${method.name}${nth === 1 ? "" : `_${nth}`}`,
    tags: [method.parent.name],
    ...(says === undefined ? {} : { summary: firstSentence(says), description: says }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      [policy.successStatus]: successOf(binding, policy.successStatus, context),
      ...context.refusals.responses(reasonsOf(binding, body !== undefined, context.gateway), policy.flatErrors),
    },
    security: securityOf(policy.access === "PUBLIC" ? (context.gateway?.access ?? "PUBLIC") : policy.access),
    ...(policy.permission === "" ? {} : { "x-authsome-permission": policy.permission }),
    ...(option.rateClass === RateClass.UNSPECIFIED
      ? {}
      : { "x-authsome-rate-class": shortName(RateClassSchema, option.rateClass).toLowerCase() }),
    "x-authsome-repeatable": policy.repeatable,
  }
}

/** The path of a route, with the variables' names as clients know them. */
export const pathOf = ({ template, method }: Binding): string => {
  const parts: Array<string> = []
  for (let at = 0; at < template.segments.length; ) {
    const variable = template.variables.find(({ from }) => from === at)
    parts.push(variable === undefined ? (template.segments[at] ?? "") : `{${jsonPath(method.input, variable.path)}}`)
    at = variable === undefined ? at + 1 : (variable.to ?? template.segments.length)
  }
  return `/${parts.join("/")}${template.verb === "" ? "" : `:${template.verb}`}`
}

const shortName = (desc: DescEnum, number: number): string =>
  desc.value[number]?.name.slice(desc.sharedPrefix?.length ?? 0) ?? ""

const firstSentence = (text: string): string => (/^(.*?)\.(?:\s|$)/s.exec(text)?.[1] ?? text).replaceAll("\n", " ")

/** A path of field names as JSON has it, such as "filter.createdAt". */
const jsonPath = (desc: DescMessage, path: ReadonlyArray<string>): string =>
  path.map((_, index) => fieldAt(desc, path.slice(0, index + 1)).jsonName).join(".")

const parametersOf = (binding: Binding, { schemas }: Context): ReadonlyArray<Parameter> => {
  const { method, template, body } = binding
  const inPath = template.variables.map(({ path }): Parameter => {
    const field = fieldAt(method.input, path)
    return { name: jsonPath(method.input, path), in: "path", required: true, ...headerOf(field, schemas) }
  })
  const taken = new Set(inPath.map(({ name }) => name))
  const rest = body === "*" ? [] : method.input.fields.filter(({ name }) => name !== body && name !== requestId)
  const inQuery = rest.flatMap((field) => queryOf(field, "", [], schemas)).filter(({ name }) => !taken.has(name))
  const key = method.input.fields.find(({ name }) => name === requestId)
  return [
    ...inPath,
    ...inQuery,
    ...(key === undefined ? [] : [{ name: "Idempotency-Key", in: "header" as const, ...headerOf(key, schemas) }]),
  ]
}

const requestId = "request_id"

const headerOf = (field: DescField, schemas: Schemas): Header => {
  const description = schemas.description(field, "input")
  return { ...(description === undefined ? {} : { description }), schema: schemas.field(field, "input") }
}

/** The query parameters of a field: one, or those of the fields in it; none where text cannot say the value. */
const queryOf = (
  field: DescField,
  before: string,
  above: ReadonlyArray<DescMessage>,
  schemas: Schemas,
): ReadonlyArray<Parameter> => {
  const name = `${before}${field.jsonName}`
  if (field.fieldKind === "map") return []
  if (field.message !== undefined && !isText(field.message.typeName)) {
    const { message } = field
    if (field.fieldKind === "list" || above.includes(message) || wellKnown(message.typeName) !== undefined) return []
    return message.fields.flatMap((inner) => queryOf(inner, `${name}.`, [...above, message], schemas))
  }
  const required = before === "" && isRequired(field, "input")
  return [{ name, in: "query", ...(required ? { required } : {}), ...headerOf(field, schemas) }]
}

const json = (schema: Schema): Content => ({ "application/json": { schema } })

const bodyOf = ({ method, template, body }: Binding, { schemas }: Context): Operation["requestBody"] => {
  if (body === "") return undefined
  if (body !== "*") {
    const field = fieldAt(method.input, [body])
    return { required: isRequired(field, "input"), content: json(schemas.field(field, "input")) }
  }
  const elsewhere = new Set([requestId, ...template.variables.map(({ path }) => path.join("."))])
  const fields = method.input.fields.filter(({ name }) => !elsewhere.has(name))
  if (fields.length === 0) return undefined
  return {
    required: fields.some((field) => isRequired(field, "input")),
    content: json(schemas.body(method.input, fields)),
  }
}

/** Where a caller stands who is counted. */
const rateHeaders = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]

const successOf = (binding: Binding, status: number, { schemas, comments, gateway }: Context): Response => {
  const { output } = binding.method
  const headers: Record<string, Header | Reference> = {}
  const own = policyOf(binding.method).rateClass === undefined ? ["X-Request-Id"] : ["X-Request-Id", ...rateHeaders]
  for (const name of gateway === undefined ? own : Object.keys(gateway.headers)) {
    headers[name] = { $ref: `#/components/headers/${name}` }
  }
  const answer = { description: comments.get(output.typeName) ?? "Done.", headers }
  if (status === 204) return answer
  switch (binding.answer.kind) {
    case "message":
      return { ...answer, content: json(schemas.message(output, "output")) }
    case "field":
      return { ...answer, content: json(schemas.field(binding.answer.field, "output")) }
    case "file":
      headers["Content-Disposition"] = { $ref: "#/components/headers/Content-Disposition" }
      return { ...answer, content: anyFile }
  }
}

/** The contract does not say what kind of file it will be. */
const anyFile: Content = { "*/*": { schema: { type: "string", format: "binary" } } }

/** Why a route may refuse: what its contract lists, and what its policy and shape imply. */
const reasonsOf = ({ method, template }: Binding, hasBody: boolean, gateway: Gateway | undefined): Set<Reason> => {
  const policy = policyOf(method)
  const reasons = new Set<Reason>(["INVALID_REQUEST", "INTERNAL", "UNAVAILABLE", "OVERLOADED", "DEADLINE_EXCEEDED"])
  if (policy.access !== "PUBLIC") reasons.add("UNAUTHENTICATED")
  if (policy.permission !== "") reasons.add("PERMISSION_DENIED")
  if (template.variables.length > 0) reasons.add("NOT_FOUND")
  if (hasBody) reasons.add("MESSAGE_TOO_LARGE").add("UNSUPPORTED_MEDIA_TYPE")
  if (policy.rateClass !== undefined) reasons.add("RATE_LIMITED")
  if (method.input.fields.some(({ name }) => name === requestId)) {
    reasons.add("REQUEST_ID_REUSED").add("REQUEST_IN_PROGRESS")
  }
  for (const each of gateway?.reasons ?? []) reasons.add(each)
  for (const each of getOption(method, policyOption).reasons) {
    const name = shortName(ErrorReasonSchema, each)
    if (isReason(name)) reasons.add(name)
  }
  return reasons
}
