/** What of a single value is quickly seen: rules of length, pattern, range and set, as protovalidate has them. */
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  isFieldSet,
  type Message,
  type MessageShape,
} from "@bufbuild/protobuf"
import {
  BytesRulesSchema,
  EnumRulesSchema,
  FieldRulesSchema,
  Int32RulesSchema,
  Int64RulesSchema,
  StringRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { isStorable } from "./storableText.ts"

/** Whether a value surely keeps its rules; false says nothing. */
export type Look = (value: unknown) => boolean

export type Rules = MessageShape<typeof FieldRulesSchema>

/** Where there are rules that are not known here. */
export const unsure: Look = () => false
/** Where there is no rule. */
export const sure: Look = () => true

/** Whether only these of a message's fields are set. */
export const hasOnly = (desc: DescMessage, rules: Message, ...names: ReadonlyArray<string>): boolean =>
  rules.$unknown === undefined &&
  desc.fields.every((field) => names.includes(field.localName) || !isFieldSet(rules, field))

/** Looks at a value that is no message. */
export const scalarLook = (field: DescField, rules: Rules): Look => {
  const { type } = rules
  if (type.case === undefined || !hasOnly(FieldRulesSchema, rules, "required", "ignore", type.case)) return unsure
  switch (type.case) {
    case "string":
      return stringLook(type.value)
    case "bytes":
      return bytesLook(type.value)
    case "int32":
      return hasOnly(Int32RulesSchema, type.value, "gte", "lte") ? rangeLook(type.value) : unsure
    case "int64":
      return hasOnly(Int64RulesSchema, type.value, "gte", "lte") ? rangeLook(type.value) : unsure
    case "enum":
      return field.enum === undefined ? unsure : enumLook(field.enum, type.value)
    default:
      return unsure
  }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const stringLook = (rules: MessageShape<typeof StringRulesSchema>): Look => {
  if (!hasOnly(StringRulesSchema, rules, "minLen", "maxLen", "pattern", "uuid")) return unsure
  const { field } = StringRulesSchema
  // Rules count code points, of which there are at least half as many as UTF-16 units and at most as many.
  const least = 2 * Number(rules.minLen) - 1
  const most = isFieldSet(rules, field.maxLen) ? Number(rules.maxLen) : Number.POSITIVE_INFINITY
  const patterns = isFieldSet(rules, field.uuid) ? [uuid] : []
  // The syntax of RE2, as far as contracts use it, is that of JavaScript, which matches an id twenty times as fast.
  if (isFieldSet(rules, field.pattern)) patterns.push(new RegExp(rules.pattern, "u"))
  return (value) => {
    if (typeof value !== "string" || value.length < least || value.length > most || !isStorable(value)) return false
    for (const pattern of patterns) if (!pattern.test(value)) return false
    return true
  }
}

const bytesLook = (rules: MessageShape<typeof BytesRulesSchema>): Look => {
  if (!hasOnly(BytesRulesSchema, rules, "minLen", "maxLen")) return unsure
  const least = Number(rules.minLen)
  const most = isFieldSet(rules, BytesRulesSchema.field.maxLen) ? Number(rules.maxLen) : Number.POSITIVE_INFINITY
  return (value) => value instanceof Uint8Array && value.length >= least && value.length <= most
}

interface Bound {
  readonly value?: number | bigint | undefined
}

const rangeLook = (rules: { readonly greaterThan: Bound; readonly lessThan: Bound }): Look => {
  const least = rules.greaterThan.value ?? Number.NEGATIVE_INFINITY
  const most = rules.lessThan.value ?? Number.POSITIVE_INFINITY
  return (value) => (typeof value === "number" || typeof value === "bigint") && value >= least && value <= most
}

const enumLook = (desc: DescEnum, rules: MessageShape<typeof EnumRulesSchema>): Look => {
  if (!hasOnly(EnumRulesSchema, rules, "definedOnly", "notIn")) return unsure
  const refused = new Set(rules.notIn)
  const allowed = new Set(desc.values.map(({ number }) => number).filter((number) => !refused.has(number)))
  return (value) => typeof value === "number" && allowed.has(value)
}
