/** A customer's own notes on a workspace: a JSON object that we keep and never read. */
import * as Schema from "effect/Schema"

export const Metadata = Schema.Record(Schema.String, Schema.MutableJson)
export type Metadata = typeof Metadata.Type

/** In bytes of JSON. */
const maxBytes = 16 * 1024
const maxDepth = 32

/** The notes cannot be kept; says why. */
export class MetadataRefused extends Schema.TaggedError<MetadataRefused>()("MetadataRefused", {
  why: Schema.String,
}) {}

/** The patch applied to the notes (RFC 7396): an object is merged, null removes, anything else replaces. */
export const mergePatch = (target: Metadata, patch: Metadata): Metadata => {
  const merged = new Map(Object.entries(target))
  for (const [key, value] of Object.entries(patch)) {
    const before = merged.get(key)
    if (value === null) merged.delete(key)
    else merged.set(key, isObject(value) ? mergePatch(isObject(before) ? before : {}, value) : value)
  }
  return Object.fromEntries(merged)
}

/** What is wrong with the notes; undefined: nothing. */
export const problemOf = (metadata: Metadata): string | undefined => {
  if (depthOf(metadata, maxDepth) > maxDepth) return `must not be nested deeper than ${maxDepth} levels`
  if (!isStorable(metadata)) return "must not hold characters that are no text (U+0000, lone surrogates)"
  if (Buffer.byteLength(JSON.stringify(metadata)) > maxBytes) return "must be at most 16 KiB as JSON"
  return undefined
}

const isObject = (json: Schema.MutableJson | undefined): json is Schema.MutableJsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json)

const childrenOf = (json: Schema.MutableJson): ReadonlyArray<Schema.MutableJson> =>
  typeof json === "object" && json !== null ? Object.values(json) : []

/** How deep it is, but no deeper than one more than `enough`. */
const depthOf = (json: Schema.MutableJson, enough: number): number => {
  if (enough < 0 || typeof json !== "object" || json === null) return 0
  return 1 + Math.max(0, ...childrenOf(json).map((child) => depthOf(child, enough - 1)))
}

/** PostgreSQL keeps no text with these. */
const isText = (text: string) => text.isWellFormed() && !text.includes("\0")

const isStorable = (json: Schema.MutableJson): boolean => {
  if (typeof json === "string") return isText(json)
  if (isObject(json) && !Object.keys(json).every(isText)) return false
  return childrenOf(json).every(isStorable)
}
