/** The JSON of google.protobuf's own messages (ProtoJSON; protobuf.dev/programming-guides/json). */
import type { Schema } from "./Document.ts"

const schemas = new Map<string, Schema>([
  ["Timestamp", { type: "string", format: "date-time" }],
  ["Duration", { type: "string", pattern: "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$" }],
  ["FieldMask", { type: "string" }],
  ["Struct", { type: "object", additionalProperties: true }],
  ["Value", {}],
  ["ListValue", { type: "array", items: {} }],
  ["Any", { type: "object", properties: { "@type": { type: "string" } }, required: ["@type"] }],
  ["Empty", { type: "object" }],
  ["BoolValue", { type: "boolean" }],
  ["StringValue", { type: "string" }],
  ["BytesValue", { type: "string", contentEncoding: "base64" }],
  ["DoubleValue", { type: "number", format: "double" }],
  ["FloatValue", { type: "number", format: "float" }],
  ["Int32Value", { type: "integer", format: "int32" }],
  ["UInt32Value", { type: "integer", minimum: 0 }],
  ["Int64Value", { type: "string" }],
  ["UInt64Value", { type: "string" }],
])

const family = "google.protobuf."

/** The schema of a message of google.protobuf; undefined for every other. */
export const wellKnown = (typeName: string): Schema | undefined =>
  typeName.startsWith(family) ? schemas.get(typeName.slice(family.length)) : undefined

/** Whether text alone can be such a message, as in a query parameter. */
export const isText = (typeName: string): boolean => wellKnown(typeName)?.["type"] === "string"
