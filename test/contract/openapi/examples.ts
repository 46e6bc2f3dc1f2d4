/** Example messages of the contract, made from its descriptors and rules by chance, and the same in every run. */
import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  fromJson,
  type JsonObject,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf"
import { durationFromMs, timestampFromMs, ValueSchema } from "@bufbuild/protobuf/wkt"
import type { FieldRules, StringRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { MoneySchema } from "#gen/authsome/mesh/v1/money_pb.ts"
import { HttpBodySchema } from "#gen/google/api/httpbody_pb.ts"
import { requestCurrency } from "#shared/rpc/rest/money.ts"
import { rulesOf } from "#shared/rpc/rest/openapi/rules.ts"
import { violationsOf } from "#shared/rpc/validation.ts"
import type { Random } from "./Random.ts"
import { textOf } from "./textOf.ts"

type Init = Record<string, unknown>

/** A message with every field set; of each oneof, one. */
export const fullExample = (desc: DescMessage, random: Random): Message => create(desc, fullInit(desc, random, 0))

/** The least that the contract's rules allow, and besides that the fields at the `needed` paths. */
export const sparseExample = (desc: DescMessage, random: Random, needed: ReadonlyArray<Path>): Message => {
  const refused = violationsOf(desc, create(desc), "name")?.violations?.map(({ field }) => field) ?? []
  const wanted = new Set([...refused, ...needed.map(([name]) => name)])
  const init: Init = {}
  for (const field of desc.fields.filter(({ name }) => wanted.has(name))) {
    const { message } = field
    const isOwn = field.fieldKind === "message" && message !== undefined && !message.typeName.startsWith("google.")
    const inner = needed.flatMap(([name, ...rest]) => (name === field.name && rest.length > 0 ? [rest] : []))
    setField(init, field, isOwn ? sparseExample(message, random, inner) : valueOf(field, random, 0))
  }
  for (const oneof of desc.oneofs) if (wanted.has(oneof.name)) setOneof(init, oneof, random, 0)
  return create(desc, init)
}

type Path = ReadonlyArray<string>

const deepest = 3

const fullInit = (desc: DescMessage, random: Random, depth: number): Init => {
  const init: Init = {}
  for (const field of desc.fields) {
    const isTooDeep = depth >= deepest && field.message !== undefined
    if (field.oneof === undefined && !isTooDeep) setField(init, field, valueOf(field, random, depth))
  }
  for (const oneof of desc.oneofs) setOneof(init, oneof, random, depth)
  return init
}

const setField = (init: Init, field: DescField, value: unknown): void => {
  if (field.oneof === undefined) init[field.localName] = value
  else init[field.oneof.localName] = { case: field.localName, value }
}

const setOneof = (init: Init, oneof: DescOneof, random: Random, depth: number): void => {
  const field = random.pick(oneof.fields)
  setField(init, field, valueOf(field, random, depth))
}

const valueOf = (field: DescField, random: Random, depth: number): unknown => {
  const rules = rulesOf(field)
  const type = rules?.type
  if (field.fieldKind === "list") {
    const list = type?.case === "repeated" ? type.value : undefined
    const length = Math.min(Number(list?.maxItems || 2), 2)
    const items = Array.from({ length }, () => oneValue(field, list?.items, random, depth))
    return list?.unique === true ? [...new Set(items)] : items
  }
  if (field.fieldKind === "map") {
    const map = type?.case === "map" ? type.value : undefined
    return { [String(scalarValue(field.mapKey, map?.keys, random))]: oneValue(field, map?.values, random, depth) }
  }
  return oneValue(field, rules, random, depth)
}

const oneValue = (field: DescField, rules: FieldRules | undefined, random: Random, depth: number): unknown => {
  if (field.message !== undefined) return messageValue(field.message, random, depth)
  if (field.enum !== undefined) {
    const bounds = rules?.type.case === "enum" ? rules.type.value : undefined
    const named = field.enum.values.slice(1).map(({ number }) => number)
    const allowed = bounds === undefined || bounds.in.length === 0 ? named : bounds.in
    return random.pick(allowed.filter((number) => !bounds?.notIn.includes(number)))
  }
  return scalarValue(field.scalar ?? ScalarType.STRING, rules, random)
}

const document: JsonObject = { text: "a", number: 1.5, yes: true, nothing: null, list: [1, "b"], inner: { c: "d" } }

const messageValue = (desc: DescMessage, random: Random, depth: number): unknown => {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return timestampFromMs(random.between(0, 4_000_000_000) * 1000)
    case "google.protobuf.Duration":
      return durationFromMs(random.between(1, 1_000_000))
    case "google.protobuf.Struct":
      return document
    case "google.api.HttpBody":
      return create(HttpBodySchema, {
        contentType: "application/pdf",
        data: Uint8Array.from([0, 255, random.between(0, 255)]),
      })
    case MoneySchema.typeName:
      return create(MoneySchema, {
        currency: requestCurrency,
        minorUnits: BigInt(random.between(-(10 ** 9), 10 ** 12)),
      })
    case "google.protobuf.Value":
      return fromJson(ValueSchema, random.pick(["text", 7, true, null]))
    default:
      return create(desc, fullInit(desc, random, depth + 1))
  }
}

const scalarValue = (scalar: ScalarType, rules: FieldRules | undefined, random: Random): unknown => {
  switch (scalar) {
    case ScalarType.STRING:
      return stringValue(rules?.type.case === "string" ? rules.type.value : undefined, random)
    case ScalarType.BYTES:
      return Uint8Array.from({ length: 9 }, () => random.between(0, 255))
    case ScalarType.BOOL:
      return true
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return random.between(0, 1_000_000) / 4
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return BigInt(random.between(1, 2 ** 40))
    default:
      return intValue(rules, random)
  }
}

const intValue = (rules: FieldRules | undefined, random: Random): number => {
  if (rules?.type.case !== "int32") return random.between(1, 1000)
  const { greaterThan, lessThan } = rules.type.value
  return random.between(Math.max(1, greaterThan.value ?? 1), lessThan.value ?? 1000)
}

const stringValue = (rules: StringRules | undefined, random: Random): string => {
  if (rules === undefined) return textOf("[a-z]{8}", random)
  if (rules.in.length > 0) return random.pick(rules.in)
  switch (rules.wellKnown.case) {
    case "email":
      return textOf("[a-z]{3,8}@[a-z]{3,8}\\.example", random)
    case "uuid":
      return textOf("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", random)
    case "uri":
      return textOf("https://[a-z]{3,8}\\.example/[a-z0-9]{0,8}", random)
    default:
      return textWithin(rules, random)
  }
}

const textWithin = (rules: StringRules, random: Random): string => {
  const least = Number(rules.len || rules.minLen)
  const most = Number(rules.len || rules.maxLen || 100)
  const pattern = rules.pattern || `.{${Math.max(least, 1)},${Math.min(most, least + 12)}}`
  for (;;) {
    const text = textOf(pattern, random)
    const length = [...text].length
    if (length >= least && length <= most && text.trim() === text) return text
  }
}
