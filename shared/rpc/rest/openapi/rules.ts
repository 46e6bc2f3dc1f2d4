/** The rules of protovalidate as keywords of JSON Schema: those that JSON Schema can say. */
import { type DescField, getOption, hasOption, type JsonObject } from "@bufbuild/protobuf"
import type { FieldRules, StringRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { field as fieldRules, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import type { Schema } from "./Document.ts"

/** The rules of a field, where it has any. */
export const rulesOf = (field: DescField): FieldRules | undefined =>
  hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined

/** Whether the rules leave the zero value alone. */
export const allowsZero = (rules: FieldRules | undefined): boolean => rules?.ignore === Ignore.IF_ZERO_VALUE

/** The keywords that bound one value. */
export const boundsOf = (rules: FieldRules | undefined): Schema => {
  const type = rules?.type
  switch (type?.case) {
    case "string":
      return stringBounds(type.value)
    case "bytes":
      return has(type.value, "maxLen") ? { maxLength: Math.ceil(Number(type.value.maxLen) / 3) * 4 } : {}
    case "double":
    case "float":
    case "int32":
    case "uint32":
    case "sint32":
    case "fixed32":
    case "sfixed32":
    case "int64":
    case "uint64":
    case "sint64":
    case "fixed64":
    case "sfixed64":
      return numberBounds(type.value)
    case "bool":
      return has(type.value, "const") ? { const: type.value.const } : {}
    default:
      return {}
  }
}

/** The keywords that bound a list, without those of its items. */
export const listBounds = (rules: FieldRules | undefined): Schema => {
  if (rules?.type.case !== "repeated") return {}
  const list = rules.type.value
  return {
    ...(has(list, "minItems") ? { minItems: Number(list.minItems) } : {}),
    ...(has(list, "maxItems") ? { maxItems: Number(list.maxItems) } : {}),
    ...(list.unique ? { uniqueItems: true } : {}),
  }
}

/** The keywords that bound a map, those of its keys too. */
export const mapBounds = (rules: FieldRules | undefined): Schema => {
  if (rules?.type.case !== "map") return {}
  const map = rules.type.value
  const names = boundsOf(map.keys)
  return {
    ...(has(map, "minPairs") ? { minProperties: Number(map.minPairs) } : {}),
    ...(has(map, "maxPairs") ? { maxProperties: Number(map.maxPairs) } : {}),
    ...(Object.keys(names).length === 0 ? {} : { propertyNames: names }),
  }
}

// Both count characters as code points (RFC 8259, section 7; protovalidate's string.min_len).
const stringBounds = (rules: StringRules): Schema => ({
  ...(has(rules, "const") ? { const: rules.const } : {}),
  ...(has(rules, "len") ? { minLength: Number(rules.len), maxLength: Number(rules.len) } : {}),
  ...(has(rules, "minLen") ? { minLength: Number(rules.minLen) } : {}),
  ...(has(rules, "maxLen") ? { maxLength: Number(rules.maxLen) } : {}),
  ...(has(rules, "pattern") && isEcmaPattern(rules.pattern) ? { pattern: rules.pattern } : {}),
  ...(rules.in.length > 0 ? { enum: [...rules.in] } : {}),
  ...(rules.notIn.length > 0 ? { not: { enum: [...rules.notIn] } } : {}),
  ...formatOf(rules),
})

const formats = new Map<StringRules["wellKnown"]["case"], string>([
  ["email", "email"],
  ["hostname", "hostname"],
  ["ipv4", "ipv4"],
  ["ipv6", "ipv6"],
  ["uri", "uri"],
  ["uriRef", "uri-reference"],
  ["uuid", "uuid"],
])

const formatOf = ({ wellKnown }: StringRules): Schema => {
  const format = formats.get(wellKnown.case)
  return format === undefined || wellKnown.value === false ? {} : { format }
}

interface NumberRules {
  readonly const: number | bigint
  readonly lessThan: Limit
  readonly greaterThan: Limit
  readonly in: ReadonlyArray<number | bigint>
  readonly notIn: ReadonlyArray<number | bigint>
}

interface Limit {
  readonly case: string | undefined
  readonly value?: number | bigint | undefined
}

const numberBounds = (rules: NumberRules): Schema => ({
  ...(has(rules, "const") ? { const: Number(rules.const) } : {}),
  ...limit(rules.greaterThan, { gt: "exclusiveMinimum", gte: "minimum" }),
  ...limit(rules.lessThan, { lt: "exclusiveMaximum", lte: "maximum" }),
  ...(rules.in.length > 0 ? { enum: rules.in.map(Number) } : {}),
  ...(rules.notIn.length > 0 ? { not: { enum: rules.notIn.map(Number) } } : {}),
})

const limit = (rule: Limit, keywords: Readonly<Record<string, string>>): JsonObject => {
  const keyword = keywords[rule.case ?? ""]
  return keyword === undefined ? {} : { [keyword]: Number(rule.value) }
}

/** protovalidate speaks RE2: what is no regular expression of ECMA-262 too is left to the server. */
const isEcmaPattern = (pattern: string): boolean => {
  try {
    new RegExp(pattern, "u")
    return true
  } catch {
    return false
  }
}

/** Proto2 presence: unset fields read as their defaults from the prototype. */
const has = (rules: object, name: string): boolean => Object.hasOwn(rules, name)
