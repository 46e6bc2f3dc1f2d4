/** Mutations that know nothing of what the bytes mean. */
import type { Random } from "../Random.ts"

/** The bytes with one thing wrong with them. */
export const mutateBytes = (random: Random, bytes: Buffer): Buffer => {
  const at = random.int(bytes.length + 1)
  const before = bytes.subarray(0, at)
  const after = bytes.subarray(at)
  switch (random.int(6)) {
    case 0:
      return before
    case 1:
      return Buffer.concat([before, random.bytes(1 + random.int(8)), after])
    case 2:
      return Buffer.concat([before, after.subarray(1 + random.int(8))])
    case 3:
      return Buffer.concat([bytes, bytes])
    case 4:
      return Buffer.concat([before, Buffer.alloc(1 + random.int(64), random.pick([0, 0x7f, 0x80, 0xff])), after])
    default: {
      const copy = Buffer.from(bytes)
      for (let left = 1 + random.int(4); left > 0 && copy.length > 0; left--) {
        const index = random.int(copy.length)
        copy[index] = (copy[index] ?? 0) ^ (1 << random.int(8))
      }
      return copy
    }
  }
}

/** Texts that programs trip on. */
export const oddText = (random: Random): string =>
  random.pick([
    "",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "\u0000",
    "\ud800",
    "\udfff\ud800",
    "\ufeff",
    "ünïcode 💥",
    "%",
    "%ff",
    "a".repeat(300),
    "x".repeat(9000),
    "NaN",
    "-1",
    "1e999",
    "null",
    "../../etc",
    "a.b.c",
    "\u202e",
    "'\"`;--",
  ])
