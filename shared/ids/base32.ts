/** Lower-case base32 without padding: the RFC 4648 alphabet, fit for DNS labels, PostgreSQL names and URLs. */
import * as Option from "effect/Option"

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

const valueOf = new Map(Array.from(alphabet, (character, value) => [character, value]))

/** Room for the texts of all our ids: characters added one by one would be a string each, and every request has an id. */
const room = Buffer.alloc(64)

/** The bytes as base32: ⌈8n/5⌉ characters, so 16 bytes are 26 characters and 10 bytes are 16. */
export const encodeBase32 = (bytes: Uint8Array): string => {
  const length = Math.ceil((bytes.length * 8) / 5)
  const text = length <= room.length ? room : Buffer.alloc(length)
  let at = 0
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text[at++] = alphabet.charCodeAt((buffer >> bits) & 31)
    }
    buffer &= (1 << bits) - 1
  }
  if (bits > 0) text[at] = alphabet.charCodeAt((buffer << (5 - bits)) & 31)
  return text.toString("latin1", 0, length)
}

/**
 * The bytes that `text` stands for; none if it holds another character, has a length that no byte string gives, or
 * carries left-over bits that are not zero. So every byte string has exactly one text.
 */
export const decodeBase32 = (text: string): Option.Option<Uint8Array> => {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let buffer = 0
  let bits = 0
  let length = 0
  for (const character of text) {
    const value = valueOf.get(character)
    if (value === undefined) return Option.none()
    buffer = (buffer << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = buffer >> bits
      buffer &= (1 << bits) - 1
    }
  }
  return bits >= 5 || buffer !== 0 ? Option.none() : Option.some(bytes)
}
