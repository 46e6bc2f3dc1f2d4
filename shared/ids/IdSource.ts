/** Ids as `newId` makes them, for places where each costs time: one call of the operating system serves hundreds. */
import { encodeBase32 } from "./base32.ts"

const randomLength = 10
const batch = 400

/** A maker of ids `<prefix>_…`; `now` in epoch milliseconds. */
export const makeIdSource = (prefix: string, entropy: (length: number) => Uint8Array): ((now: number) => string) => {
  let pool = new Uint8Array(0)
  let used = 0
  // UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, version, random, variant, random.
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  return (now) => {
    if (used === pool.length) {
      pool = Uint8Array.from(entropy(batch * randomLength))
      used = 0
    }
    for (let at = bytes.length - randomLength; at < bytes.length; at++) bytes[at] = pool[used++] ?? 0
    view.setUint16(0, Math.floor(now / 2 ** 32))
    view.setUint32(2, now % 2 ** 32)
    view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f))
    view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
    return `${prefix}_${encodeBase32(bytes)}`
  }
}
