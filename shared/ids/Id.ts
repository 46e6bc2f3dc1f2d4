/**
 * Identifiers: `<prefix>_<base32 of a UUIDv7>`, such as `usr_agm7q…`. They name their kind, lie close together in an
 * index when they are made close together in time, and carry no more than 74 random bits: an id is not a secret. As
 * text they do not sort by time (base32 has its digits after its letters); their UUIDs do.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { randomBytes } from "../crypto/random.ts"
import { decodeBase32, encodeBase32 } from "./base32.ts"

/** UUIDv7 of RFC 9562, section 5.7: 48 bits of Unix milliseconds, version, 12 random bits, variant, 62 random bits. */
const uuidBytes: Effect.Effect<Uint8Array> = Effect.gen(function* () {
  const millis = yield* Clock.currentTimeMillis
  const bytes = new Uint8Array(16)
  bytes.set(yield* randomBytes(10), 6)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(millis / 2 ** 32))
  view.setUint32(2, millis % 2 ** 32)
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f))
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
  return bytes
})

const dashed = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A new id `<prefix>_` and 26 characters. */
export const newId = (prefix: string): Effect.Effect<string> =>
  Effect.map(uuidBytes, (bytes) => `${prefix}_${encodeBase32(bytes)}`)

/** A new UUIDv7 in its usual form with dashes, in lower case. */
export const newUuid: Effect.Effect<string> = Effect.map(uuidBytes, dashed)

/** A new id `<prefix>_` and base32 of that many random bytes: shorter than `newId`, and without the time. */
export const shortId = (prefix: string, bytes: number): Effect.Effect<string> =>
  Effect.map(randomBytes(bytes), (random) => `${prefix}_${encodeBase32(random)}`)

/** The id form of a UUID in its form with dashes. Anything else is a defect of the caller: check with `isUuid`. */
export const uuidToId = (prefix: string, uuid: string): string => {
  if (!isUuid(uuid)) throw new TypeError("not a UUID")
  return `${prefix}_${encodeBase32(Buffer.from(uuid.replaceAll("-", ""), "hex"))}`
}

/** The UUID, with dashes, that an id of this prefix stands for; none for any other text. */
export const idToUuid = (prefix: string, id: string): Option.Option<string> =>
  id.startsWith(`${prefix}_`)
    ? decodeBase32(id.slice(prefix.length + 1)).pipe(
        Option.filter((bytes) => bytes.length === 16),
        Option.map(dashed),
      )
    : Option.none()

/** Whether `text` is `<prefix>_` and the base32 of a UUID. */
export const isId = (prefix: string, text: string): boolean => Option.isSome(idToUuid(prefix, text))

/** Whether `text` is a UUID with dashes, of any version. */
export const isUuid = (text: string): boolean => uuidPattern.test(text)
