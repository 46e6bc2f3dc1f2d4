/** Base62 of a fixed width: letters and digits only, so that a double click selects the whole text. */
import * as Option from "effect/Option"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const valueOf = new Map(Array.from(alphabet, (character, value) => [character, BigInt(value)]))

/**
 * The bytes as one big-endian number in base62, filled up with zeros to `width` characters. 32 bytes need 43, four
 * need 6. A width that is too small for the bytes is a defect of the caller.
 */
export const encodeBase62 = (bytes: Uint8Array, width: number): string => {
  let number = 0n
  for (const byte of bytes) number = (number << 8n) | BigInt(byte)
  let text = ""
  while (number > 0n) {
    text = alphabet.charAt(Number(number % 62n)) + text
    number /= 62n
  }
  if (text.length > width) throw new RangeError(`${bytes.length} bytes do not fit into ${width} base62 characters`)
  return text.padStart(width, "0")
}

/** The `length` bytes that `text` stands for; none if it holds another character or a number too large for them. */
export const decodeBase62 = (text: string, length: number): Option.Option<Uint8Array> => {
  let number = 0n
  for (const character of text) {
    const value = valueOf.get(character)
    if (value === undefined) return Option.none()
    number = number * 62n + value
  }
  if (number >> BigInt(8 * length) !== 0n) return Option.none()
  const bytes = new Uint8Array(length)
  for (let index = length - 1; index >= 0; index--) {
    bytes[index] = Number(number & 255n)
    number >>= 8n
  }
  return Option.some(bytes)
}
