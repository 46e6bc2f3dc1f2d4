/** What REST JSON takes for each scalar of protobuf: what ProtoJSON does, and nothing that would lose digits on the way. */
import { type JsonValue, ScalarType } from "@bufbuild/protobuf"

/** Why this is no value of the scalar, as in "must be a string"; undefined where it is one. */
export const scalarRefusal = (scalar: ScalarType, json: JsonValue): string | undefined => {
  switch (scalar) {
    case ScalarType.STRING:
      if (typeof json !== "string") return "must be a string"
      return json.isWellFormed() ? undefined : "must be text, but has half a character"
    case ScalarType.BYTES:
      return typeof json === "string" && isBase64(json) ? undefined : "must be a string in base64"
    case ScalarType.BOOL:
      return typeof json === "boolean" ? undefined : "must be true or false"
    case ScalarType.DOUBLE:
      return typeof json === "number" && Number.isFinite(json) ? undefined : "must be a number"
    case ScalarType.FLOAT:
      return typeof json === "number" && Math.abs(json) <= maxFloat ? undefined : "must be a number of 32 bits"
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return integerRefusal(json, -(2n ** 31n), 2n ** 31n - 1n)
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integerRefusal(json, 0n, 2n ** 32n - 1n)
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return integerRefusal(json, -(2n ** 63n), 2n ** 63n - 1n)
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return integerRefusal(json, 0n, 2n ** 64n - 1n)
  }
}

const maxFloat = 3.4028234663852886e38

/** ProtoJSON takes integers as text too, which is how path and query give them, and the only way beyond 2^53. */
const integerRefusal = (json: JsonValue, least: bigint, most: bigint): string | undefined => {
  const value = integerOf(json)
  if (value === undefined) return "must be an integer"
  if (value < least || value > most) return `must be an integer from ${least} to ${most}`
  return typeof json === "number" && !Number.isSafeInteger(json)
    ? "loses digits as a number: give it as text"
    : undefined
}

const integerOf = (json: JsonValue): bigint | undefined => {
  if (typeof json === "number") return Number.isInteger(json) ? BigInt(json) : undefined
  return typeof json === "string" && /^-?[0-9]{1,20}$/.test(json) ? BigInt(json) : undefined
}

/** Either alphabet of RFC 4648, with or without padding. */
const isBase64 = (text: string): boolean => {
  const digits = text.replace(/={1,2}$/, "")
  return /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)$/.test(digits) && digits.length % 4 !== 1
}
