/** What the path and the query of a call say, put where its fields are in the request's JSON. */
import { type DescField, type DescMessage, type JsonObject, type JsonValue, ScalarType } from "@bufbuild/protobuf"
import type { Violation } from "../PublicError.ts"
import { type Binding, findField } from "./Binding.ts"
import { isObject } from "./json.ts"

/** Puts the values of the template's variables into `json`; returns what is wrong with them. */
export const putPath = (
  { method, template }: Binding,
  values: ReadonlyArray<string>,
  json: JsonObject,
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  template.variables.forEach(({ path }, index) => {
    const found = resolve(method.input, path)
    if (!found.ok) violations.push(found.why)
    // The path would win, and what somebody meant by the other value would be lost.
    else if (isGiven(json, found.fields)) violations.push({ field: nameOf(found.fields), description: givenByPath })
    else violations.push(...put(json, found.fields, values[index] ?? ""))
  })
  return violations
}

const givenByPath = "is given by the path"

/** Puts the parameters of the query into `json`; returns what is wrong with them. */
export const putQuery = (
  { method, template, body }: Binding,
  query: string,
  json: JsonObject,
): ReadonlyArray<Violation> => {
  if (query === "") return []
  const inPath = new Set(template.variables.map(({ path }) => path.join(".")))
  const seen = new Set<string>()
  return [...new URLSearchParams(query)].flatMap(([key, text]) => {
    const found = resolve(method.input, key.split("."))
    if (!found.ok) return [found.why]
    const { fields } = found
    const name = nameOf(fields)
    const refuse = (description: string) => [{ field: name, description }]
    if (inPath.has(fields.map((field) => field.name).join("."))) return refuse(givenByPath)
    if (body === "*" || body === fields[0]?.name) return refuse("belongs in the body")
    if (seen.has(name) && fields.at(-1)?.fieldKind !== "list") return refuse("is given twice")
    seen.add(name)
    return put(json, fields, text)
  })
}

type Resolved =
  | { readonly ok: true; readonly fields: ReadonlyArray<DescField> }
  | { readonly ok: false; readonly why: Violation }

/** The fields on a path of names, in either spelling. */
const resolve = (input: DescMessage, path: ReadonlyArray<string>): Resolved => {
  const fields: Array<DescField> = []
  let desc: DescMessage | undefined = input
  for (const name of path) {
    if (desc === undefined)
      return { ok: false, why: { field: nameOf(fields), description: "has no fields of its own" } }
    const field: DescField | undefined = findField(desc, name)
    if (field === undefined) {
      const before = fields.length === 0 ? "" : `${nameOf(fields)}.`
      return { ok: false, why: { field: `${before}${name}`, description: "unknown parameter" } }
    }
    fields.push(field)
    desc = field.fieldKind === "message" ? field.message : undefined
  }
  return { ok: true, fields }
}

const nameOf = (fields: ReadonlyArray<DescField>): string => fields.map(({ jsonName }) => jsonName).join(".")

const isGiven = (json: JsonObject, fields: ReadonlyArray<DescField>): boolean =>
  fields.reduce<JsonValue | undefined>(
    (value, { jsonName, name }) => (isObject(value) ? (value[jsonName] ?? value[name]) : undefined),
    json,
  ) !== undefined

const put = (json: JsonObject, fields: ReadonlyArray<DescField>, text: string): ReadonlyArray<Violation> => {
  let target = json
  for (const [index, { jsonName }] of fields.slice(0, -1).entries()) {
    const inner = target[jsonName] ?? {}
    if (!isObject(inner)) return [{ field: nameOf(fields.slice(0, index + 1)), description: "must be an object" }]
    target[jsonName] = inner
    target = inner
  }
  const field = fields.at(-1)
  if (field === undefined) return []
  const { jsonName } = field
  const value = valueOf(field, text)
  if (field.fieldKind !== "list") target[jsonName] = value
  else {
    const before = target[jsonName]
    target[jsonName] = Array.isArray(before) ? [...before, value] : [value]
  }
  return []
}

/** ProtoJSON takes text for every scalar but booleans, and we none for fractions. */
const valueOf = ({ scalar }: DescField, text: string): JsonValue => {
  switch (scalar) {
    case ScalarType.BOOL:
      return text === "true" || (text === "false" ? false : text)
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return decimal.test(text) ? Number(text) : text
    default:
      return text
  }
}

/** A number as JSON writes it (RFC 8259, section 6). */
const decimal = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/
