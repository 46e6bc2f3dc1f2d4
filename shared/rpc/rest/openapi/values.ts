/** The JSON types of scalars, and the names of enum values. */
import { type DescEnum, type DescField, ScalarType } from "@bufbuild/protobuf"
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt"
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import type { Schema } from "./Document.ts"
import type { Direction } from "./presence.ts"

/** The type of a scalar. 64-bit integers are numbers, as ../json.ts writes them. */
export const typeOf = (scalar: ScalarType): Schema => {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: "string" }
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64", pattern: "^[A-Za-z0-9+/_-]*={0,2}$" }
    case ScalarType.BOOL:
      return { type: "boolean" }
    case ScalarType.DOUBLE:
      return { type: "number", format: "double" }
    case ScalarType.FLOAT:
      return { type: "number", format: "float" }
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: "integer", format: "int32" }
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", minimum: 0 }
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return { type: "integer", format: "int64" }
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: "integer", minimum: 0 }
  }
}

/** The name of what an enum field says that is not set. */
export const unset = "unspecified"

/** The values that may stand in a field: never the zero of a request, and in an answer only that of an unset field. */
export const namesOf = (field: DescField, desc: DescEnum, rules: FieldRules | undefined, direction: Direction) => {
  const bounds = rules?.type.case === "enum" ? rules.type.value : undefined
  const zero = direction === "output" && field.presence === Presence.IMPLICIT && field.fieldKind === "enum"
  const prefix = desc.sharedPrefix ?? ""
  return desc.values
    .filter(({ number }, index) => (index > 0 || zero) && !bounds?.notIn.includes(number))
    .filter(({ number }) => bounds === undefined || bounds.in.length === 0 || bounds.in.includes(number))
    .map(({ name }) => ({ name: name.slice(prefix.length).toLowerCase(), full: name }))
}
