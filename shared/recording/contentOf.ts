/** What a request says, as text that two requests share if and only if they ask for the same. */
import type { Message } from "@bufbuild/protobuf"

/**
 * The fields and values of a request but its `request_id`, in an order of their own: a map, or a JSON document inside,
 * may come in any order. Fields that the contract does not know are left out, since nobody acts on them.
 */
export const contentOf = (request: Message): string => JSON.stringify(plain({ ...request, requestId: undefined }))

const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return value.toString()
  if (typeof value === "number") return Number.isFinite(value) ? value : { $number: String(value) }
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64")
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  const known = Object.entries(value).filter(([name, inner]) => name !== "$unknown" && inner !== undefined)
  return Object.fromEntries(known.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, plain(inner)]))
}
