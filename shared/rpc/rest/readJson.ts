/** Messages from the JSON of REST requests: what ./json.ts writes, understood again, with every mistake named by its path. */
import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf"
import { MoneySchema } from "#gen/authsome/mesh/v1/money_pb.ts"
import type { Violation } from "../PublicError.ts"
import { findField } from "./Binding.ts"
import { enumNames } from "./enumNames.ts"
import { isObject } from "./json.ts"
import { readMoney } from "./money.ts"
import { scalarRefusal } from "./scalars.ts"

/** A message from REST JSON, or every field that is not what the contract says. `null` is the same as leaving a field out. */
export const fromRestJson = (desc: DescMessage, json: JsonValue): Message | ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  const proto = readMessage(desc, json, { path: "", depth: 0, violations })
  if (violations.length > 0) return violations
  try {
    return fromJson(desc, proto)
  } catch (cause) {
    return [{ field: "", description: cause instanceof Error ? cause.message : "malformed" }]
  }
}

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
  if (desc.typeName.startsWith("google.protobuf.")) return readWellKnown(desc, json, place)
  if (desc.typeName === MoneySchema.typeName) {
    const money = readMoney(json)
    return typeof money === "string" ? wrong(place, money) : money
  }
  if (!isObject(json)) return wrong(place, "must be an object")
  const { path, violations } = place
  const depth = place.depth + 1
  if (depth > maxDepth) return wrong(place, `must not be nested deeper than ${maxDepth} messages`)
  const out: JsonObject = {}
  for (const [key, value] of Object.entries(json)) {
    const field = findField(desc, key)
    const name = field?.jsonName ?? key
    const at: Place = { path: path === "" ? name : `${path}.${name}`, depth, violations }
    if (field === undefined) wrong(at, "unknown field")
    else if (value === null) continue
    else if (Object.hasOwn(out, name)) wrong(at, "is given twice")
    else {
      const other = field.oneof?.fields.find(({ jsonName }) => Object.hasOwn(out, jsonName))
      if (other !== undefined) wrong(at, `cannot be given together with ${other.jsonName}`)
      out[name] = readField(field, value, at)
    }
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
      Object.entries(json).map(([key, value]) => [
        key,
        readValue(field, value, { ...place, path: `${path}[${JSON.stringify(key)}]` }),
      ]),
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
  const refusal = field.scalar === undefined ? undefined : scalarRefusal(field.scalar, json)
  return refusal === undefined ? json : wrong(place, refusal)
}

const wellKnown = new Map([
  ["google.protobuf.Timestamp", "must be a time, such as 2026-01-31T12:00:00Z"],
  ["google.protobuf.Duration", 'must be a time in seconds, such as "1.5s"'],
  ["google.protobuf.Struct", "must be an object, and not nested too deeply"],
])

/** Read here too, though the message that it is in reads it again: only here its path is known. */
const readWellKnown = (desc: DescMessage, json: JsonValue, place: Place): JsonValue => {
  try {
    fromJson(desc, json)
    return json
  } catch {
    return wrong(place, wellKnown.get(desc.typeName) ?? `must be a ${desc.name} of ${desc.file.proto.package}`)
  }
}
