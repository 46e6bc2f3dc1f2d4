/**
 * The JSON of our REST routes: ProtoJSON, but enum values by their short names in lower case, 64-bit integers as numbers,
 * and money as a decimal number of its major unit. Plans are compiled once per message; a message without such fields
 * costs nothing.
 */
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf"
import { isFieldError } from "@bufbuild/protobuf/reflect"
import { MoneySchema } from "#gen/authsome/mesh/v1/money_pb.ts"
import type { Violation } from "../PublicError.ts"

/** The REST JSON of a message. */
export const toRestJson = (desc: DescMessage, message: Message): JsonValue => {
  const json = toJson(desc, message, { alwaysEmitImplicit: true })
  return shapeOf(desc)?.(json) ?? json
}

type Shape = (json: JsonValue) => JsonValue

const shapes = new Map<DescMessage, Shape | undefined>()

const shapeOf = (desc: DescMessage): Shape | undefined => {
  if (shapes.has(desc)) return shapes.get(desc)
  if (desc.typeName === MoneySchema.typeName) return remember(desc, moneyShape)
  if (desc.typeName.startsWith("google.protobuf.")) return remember(desc, undefined)
  // A message that contains itself finds this entry and looks its shape up again when it is used.
  shapes.set(desc, (json) => shapes.get(desc)?.(json) ?? json)
  const fields = desc.fields.flatMap((field) => {
    const shape = fieldShape(field)
    return shape === undefined ? [] : [[field.jsonName, shape] as const]
  })
  return remember(
    desc,
    fields.length === 0
      ? undefined
      : (json) => {
          if (!isObject(json)) return json
          for (const [name, shape] of fields) {
            const value = json[name]
            if (value !== undefined && value !== null) json[name] = shape(value)
          }
          return json
        },
  )
}

const remember = (desc: DescMessage, shape: Shape | undefined): Shape | undefined => {
  shapes.set(desc, shape)
  return shape
}

const fieldShape = (field: DescField): Shape | undefined => {
  const one = valueShape(field)
  if (one === undefined) return undefined
  if (field.fieldKind === "list") return (json) => (Array.isArray(json) ? json.map(one) : json)
  if (field.fieldKind === "map") {
    return (json) =>
      isObject(json) ? Object.fromEntries(Object.entries(json).map(([key, value]) => [key, one(value)])) : json
  }
  return one
}

const valueShape = (field: DescField): Shape | undefined => {
  if (field.enum !== undefined) {
    const names = enumNames(field.enum)
    return (json) => (typeof json === "string" ? (names.short.get(json) ?? json) : json)
  }
  if (field.message !== undefined) return shapeOf(field.message)
  return field.scalar !== undefined && wide.has(field.scalar) ? (json) => Number(json) : undefined
}

const wide = new Set([ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64, ScalarType.SFIXED64])

/** Minor units of every currency that we charge in: two decimals (ISO 4217). */
const moneyShape: Shape = (json) => (isObject(json) ? Number(json["minorUnits"] ?? 0) / 100 : json)

interface EnumNames {
  readonly short: ReadonlyMap<string, string>
  readonly full: ReadonlyMap<string, string>
}
const enums = new Map<DescEnum, EnumNames>()

const enumNames = (desc: DescEnum): EnumNames => {
  const known = enums.get(desc)
  if (known !== undefined) return known
  const prefix = desc.sharedPrefix ?? ""
  const pairs = desc.values.map(({ name }) => [name, name.slice(prefix.length).toLowerCase()] as const)
  const names = { short: new Map(pairs), full: new Map(pairs.map(([name, short]) => [short, name])) }
  enums.set(desc, names)
  return names
}

/** A message from REST JSON, or every field that is not what the contract says. */
export const fromRestJson = (desc: DescMessage, json: JsonValue): Message | ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  const proto = readMessage(desc, json, { path: "", depth: 0, violations })
  if (violations.length > 0) return violations
  try {
    return fromJson(desc, proto)
  } catch (cause) {
    const description = cause instanceof Error ? cause.message : "malformed"
    return [{ field: isFieldError(cause) && "jsonName" in cause.field() ? jsonNameOf(cause.field()) : "", description }]
  }
}

const jsonNameOf = (field: { readonly name: string }): string =>
  "jsonName" in field ? String(field.jsonName) : field.name

/** Where the reader is, and what was wrong on its way. */
interface Place {
  readonly path: string
  /** How many messages it is in. */
  readonly depth: number
  readonly violations: Array<Violation>
}

/** As deep as the readers of protobuf itself go; beyond some thousand the stack would end, and the process with it. */
const maxDepth = 100

const wrong = ({ path, violations }: Place, description: string): null => {
  violations.push({ field: path, description })
  return null
}

const readMessage = (desc: DescMessage, json: JsonValue, place: Place): JsonValue => {
  if (desc.typeName.startsWith("google.protobuf.")) return json
  if (!isObject(json)) return wrong(place, "must be an object")
  const { path, violations } = place
  const depth = place.depth + 1
  if (depth > maxDepth) return wrong(place, `must not be nested deeper than ${maxDepth} messages`)
  const out: JsonObject = {}
  for (const [key, value] of Object.entries(json)) {
    const at: Place = { path: path === "" ? key : `${path}.${key}`, depth, violations }
    const field = desc.fields.find((candidate) => candidate.jsonName === key || candidate.name === key)
    if (field === undefined) wrong(at, "unknown field")
    else if (value !== null) out[field.jsonName] = readField(field, value, at)
  }
  return out
}

const readField = (field: DescField, json: JsonValue, place: Place): JsonValue => {
  const { path } = place
  if (field.fieldKind === "list") {
    if (!Array.isArray(json)) return wrong(place, "must be an array")
    return json.map((value, index) => readValue(field, value, { ...place, path: `${path}[${index}]` }))
  }
  if (field.fieldKind === "map") {
    if (!isObject(json)) return wrong(place, "must be an object")
    return Object.fromEntries(
      Object.entries(json).map(([key, value]) => [key, readValue(field, value, { ...place, path: `${path}.${key}` })]),
    )
  }
  return readValue(field, json, place)
}

const readValue = (field: DescField, json: JsonValue, place: Place): JsonValue => {
  if (field.message !== undefined) return readMessage(field.message, json, place)
  if (field.enum !== undefined) {
    const names = enumNames(field.enum)
    const known = typeof json === "string" ? names.full.get(json) : undefined
    if (known !== undefined && known !== field.enum.values[0]?.name) return known
    return wrong(place, `must be one of ${[...names.full.keys()].slice(1).join(", ")}`)
  }
  const wanted = field.scalar === undefined ? undefined : scalarKind(field.scalar)
  if (wanted !== undefined && !wanted.accepts(json)) wrong(place, `must be ${wanted.name}`)
  return json
}

const scalarKind = (scalar: ScalarType) => {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return { name: "a string", accepts: (json: JsonValue) => typeof json === "string" }
    case ScalarType.BOOL:
      return { name: "true or false", accepts: (json: JsonValue) => typeof json === "boolean" }
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { name: "a number", accepts: (json: JsonValue) => typeof json === "number" }
    default:
      // ProtoJSON takes integers as text too, which is how path and query give them.
      return {
        name: "an integer",
        accepts: (json: JsonValue) => Number.isInteger(typeof json === "string" && json !== "" ? Number(json) : json),
      }
  }
}

const isObject = (json: JsonValue): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json)
