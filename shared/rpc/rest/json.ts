/**
 * The JSON of our REST answers: ProtoJSON, but enum values by their short names in lower case, 64-bit integers as numbers,
 * and money as a decimal number of its major unit. Plans are compiled once per message; a message without such fields
 * costs nothing.
 */
import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf"
import { MoneySchema } from "#gen/authsome/mesh/v1/money_pb.ts"
import { enumNames } from "./enumNames.ts"
import { moneyNumber } from "./money.ts"

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

const moneyShape: Shape = (json) => (isObject(json) ? moneyNumber(json) : json)

/** Whether this is an object of JSON: neither null nor an array. */
export const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json)
