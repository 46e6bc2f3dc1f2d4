/** A request message as a client writes it: REST JSON with nothing in it that is not set. */
import type { DescMessage, JsonObject, JsonValue, Message } from "@bufbuild/protobuf"
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect"
import { isObject, toRestJson } from "#shared/rpc/rest/json.ts"

export const requestJson = (desc: DescMessage, message: Message): JsonObject => {
  const json = toRestJson(desc, message)
  return isObject(json) ? withoutUnset(reflect(desc, message), json) : {}
}

const withoutUnset = (message: ReflectMessage, json: JsonObject): JsonObject => {
  const out: JsonObject = {}
  for (const field of message.fields) {
    const value = json[field.jsonName]
    if (!message.isSet(field) || value === undefined) continue
    if (field.fieldKind === "message") out[field.jsonName] = inner(message.get(field), value)
    else if (field.fieldKind === "list" && field.listKind === "message" && Array.isArray(value)) {
      const list = message.get(field)
      out[field.jsonName] = value.map((each, index) => innerUnknown(list.get(index), each))
    } else if (field.fieldKind === "map" && field.mapKind === "message" && isObject(value)) {
      const map = message.get(field)
      out[field.jsonName] = Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, innerUnknown(map.get(key), each)]),
      )
    } else out[field.jsonName] = value
  }
  return out
}

const innerUnknown = (message: unknown, json: JsonValue): JsonValue =>
  isReflected(message) ? inner(message, json) : json

const inner = (message: ReflectMessage, json: JsonValue): JsonValue =>
  isObject(json) && !message.desc.typeName.startsWith("google.") ? withoutUnset(message, json) : json

const isReflected = (value: unknown): value is ReflectMessage =>
  typeof value === "object" && value !== null && "desc" in value && "message" in value
