/**
 * Secrets that people copy: `<prefix><43 base62 characters of 32 random bytes><6 base62 characters of a CRC-32>`.
 * The checksum rejects a typo, and finds a leaked token in a text, without any look-up.
 */
import { crc32 } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { encodeBase62 } from "./base62.ts"
import { randomBytes } from "./random.ts"

/** What a well-formed token tells without any look-up. */
export interface ParsedToken {
  /** Everything before the random part, such as `sk_live_…_`. */
  readonly prefix: string
  /** The last four characters, by which its owner recognises it. */
  readonly lastFour: string
}

const shape = /^([!-~]*?)[0-9A-Za-z]{43}([0-9A-Za-z]{6})$/

/** CRC-32 of what precedes it, as in zip (ISO 3309), in base62. */
const checksum = (text: string): string => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, crc32(text))
  return encodeBase62(bytes, 6)
}

/** A new token of 256 random bits after `prefix`, which should end in a separator. */
export const makeToken = (prefix: string): Effect.Effect<Redacted.Redacted<string>> =>
  Effect.map(randomBytes(32), (random) => {
    const body = prefix + encodeBase62(random, 43)
    return Redacted.make(body + checksum(body), { label: "token" })
  })

/** The parts of a token whose checksum is right; none for any other text. That it was ever issued is another question. */
export const parseToken = (text: string): Option.Option<ParsedToken> => {
  const match = shape.exec(text)
  return match?.[1] !== undefined && match[2] === checksum(text.slice(0, -6))
    ? Option.some({ prefix: match[1], lastFour: text.slice(-4) })
    : Option.none()
}

/** A secret that only programs carry: 256 random bits in base64url, 43 characters. */
export const opaqueToken: Effect.Effect<Redacted.Redacted<string>> = Effect.map(randomBytes(32), (random) =>
  Redacted.make(Buffer.from(random).toString("base64url"), { label: "token" }),
)
