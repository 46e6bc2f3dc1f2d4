/** The request message that a REST call stands for: path variables, query parameters, body and `Idempotency-Key`. */
import type { JsonObject, Message } from "@bufbuild/protobuf"
import { InvalidRequest, invalidFields } from "../PublicError.ts"
import { type Binding, fieldAt } from "./Binding.ts"
import { isObject } from "./json.ts"
import { putPath, putQuery } from "./parameters.ts"
import { parseJson } from "./parseJson.ts"
import { fromRestJson } from "./readJson.ts"

export interface Parts {
  /** The values of the template's variables, in their order. */
  readonly values: ReadonlyArray<string>
  readonly query: string
  readonly body: Uint8Array
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly idempotencyKey: string | undefined
}

/** The message of a call of this route, or what is wrong with the call. Nothing that the caller gives is ignored. */
export const readRequest = (binding: Binding, parts: Parts): Message | InvalidRequest => {
  const { input } = binding.method
  const json = readBody(binding, parts)
  if (json instanceof InvalidRequest) return json
  // The path first: what the query gives of it again is known by the route alone.
  const violations = [...putPath(binding, parts.values, json), ...putQuery(binding, parts.query, json)]
  if (parts.idempotencyKey !== undefined && input.field["requestId"] !== undefined) {
    json["requestId"] ??= unquoted(parts.idempotencyKey)
  }
  if (violations.length > 0) return invalidFields(violations)
  const message = fromRestJson(input, json)
  return "$typeName" in message ? message : invalidFields(message)
}

/** The Idempotency-Key header is a Structured Field string; bare values are common and taken as well. */
const unquoted = (text: string): string => /^"(.*)"$/.exec(text)?.[1] ?? text

const readBody = ({ method: { input }, body: name }: Binding, parts: Parts): JsonObject | InvalidRequest => {
  if (name === "" || parts.body.length === 0) return {}
  if (!isPlainJson(parts)) return otherMedia
  const parsed = parseJson(parts.body)
  if (!parsed.ok) return invalidFields([parsed.why])
  if (name !== "*") return { [fieldAt(input, [name]).jsonName]: parsed.json }
  if (isObject(parsed.json)) return parsed.json
  return invalidFields([{ field: "", description: "the body must be a JSON object" }])
}

const otherMedia = new InvalidRequest({
  reason: "UNSUPPORTED_MEDIA_TYPE",
  message: "the body must be application/json in UTF-8, and not compressed",
})

/** A body whose kind is not told is taken as JSON too. */
const isPlainJson = ({ contentType = "application/json", contentEncoding = "identity" }: Parts): boolean =>
  /^application\/(?:[^;,\s]+\+)?json *(?:; *charset="?utf-8"? *)?$/i.test(contentType) && contentEncoding === "identity"
