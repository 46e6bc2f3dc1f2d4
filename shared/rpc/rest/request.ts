/** The request message that a REST call stands for: path variables, query parameters, body and `Idempotency-Key`. */
import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf"
import { InvalidRequest, invalidFields, type Violation } from "../PublicError.ts"
import { fromRestJson } from "./json.ts"
import type { Variable } from "./Template.ts"

export interface Parts {
  readonly variables: ReadonlyArray<Variable>
  /** The values of the variables, in their order. */
  readonly values: ReadonlyArray<string>
  readonly query: string
  readonly body: Buffer
  readonly idempotencyKey: string | undefined
}

/** The message of `input`, or what is wrong with the call. `bodyField` is as in google.api.http: "", "*" or a field. */
export const readRequest = (input: DescMessage, bodyField: string, parts: Parts): Message | InvalidRequest => {
  const violations: Array<Violation> = []
  const json = readJson(input, bodyField, parts.body)
  if (json instanceof InvalidRequest) return json
  if (bodyField !== "*") {
    for (const [key, value] of new URLSearchParams(parts.query)) setPath(input, json, key.split("."), value, violations)
  }
  parts.variables.forEach(({ path }, index) => {
    setPath(input, json, path, parts.values[index] ?? "", violations)
  })
  if (parts.idempotencyKey !== undefined && input.field["requestId"] !== undefined) {
    json["requestId"] ??= unquoted(parts.idempotencyKey)
  }
  if (violations.length > 0) return invalidFields(violations)
  const message = fromRestJson(input, json)
  return Array.isArray(message) ? invalidFields(message) : (message as Message)
}

/** The Idempotency-Key header is a Structured Field string; bare values are common and taken as well. */
const unquoted = (text: string): string => /^"(.*)"$/.exec(text)?.[1] ?? text

const readJson = (input: DescMessage, bodyField: string, body: Buffer): JsonObject | InvalidRequest => {
  if (bodyField === "" || body.length === 0) return {}
  const json = parseJson(body)
  if (json === undefined) return invalidFields([{ field: "", description: "the body is not JSON" }])
  if (bodyField !== "*") return { [fieldAt(input, [bodyField]).jsonName]: json }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json
  return invalidFields([{ field: "", description: "the body must be a JSON object" }])
}

const parseJson = (body: Buffer): JsonValue | undefined => {
  try {
    return JSON.parse(body.toString("utf8"))
  } catch {
    return undefined // the caller answers with a refusal
  }
}

const findField = (desc: DescMessage, name: string): DescField | undefined =>
  desc.fields.find((field) => field.name === name || field.jsonName === name)

/** The field at a path of names, in either spelling. Throws where there is none: an HTTP rule names it. */
export const fieldAt = (desc: DescMessage, path: ReadonlyArray<string>): DescField => {
  const [name = "", ...rest] = path
  const field = findField(desc, name)
  if (field === undefined) throw new Error(`${desc.typeName} has no field "${name}", which an HTTP rule names`)
  if (rest.length === 0) return field
  if (field.message === undefined)
    throw new Error(`${desc.typeName}.${name} is no message, but an HTTP rule looks into it`)
  return fieldAt(field.message, rest)
}

/** Puts the text of a path variable or query parameter where its field is in ProtoJSON. */
const setPath = (
  desc: DescMessage,
  target: JsonObject,
  path: ReadonlyArray<string>,
  value: string,
  violations: Array<Violation>,
  before = "",
): void => {
  const [name = "", ...rest] = path
  const field = findField(desc, name)
  const at = before === "" ? name : `${before}.${name}`
  if (field === undefined) {
    violations.push({ field: at, description: "unknown parameter" })
  } else if (rest.length > 0) {
    if (field.fieldKind !== "message") {
      violations.push({ field: at, description: "has no fields of its own" })
      return
    }
    const inner = target[field.jsonName]
    const nested: JsonObject = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner : {}
    target[field.jsonName] = nested
    setPath(field.message, nested, rest, value, violations, at)
  } else if (field.fieldKind === "list") {
    const list = target[field.jsonName]
    target[field.jsonName] = [...(Array.isArray(list) ? list : []), parameter(field, value)]
  } else {
    target[field.jsonName] = parameter(field, value)
  }
}

/** ProtoJSON takes text for every scalar but booleans. */
const parameter = (field: DescField, value: string): JsonValue =>
  field.scalar === ScalarType.BOOL && (value === "true" || value === "false") ? value === "true" : value
