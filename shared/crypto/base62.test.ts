import { assert, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { decodeBase62, encodeBase62 } from "./base62.ts"

const UpTo32Bytes = Schema.Uint8Array.check(Schema.isMaxLength(32))

it.prop("what is encoded is decoded again, at a fixed width", [UpTo32Bytes], ([bytes]) => {
  const text = encodeBase62(bytes, 43)
  assert.match(text, /^[0-9A-Za-z]{43}$/)
  assert.deepStrictEqual(Option.getOrThrow(decodeBase62(text, bytes.length)), new Uint8Array(bytes))
})

it("32 bytes fit into 43 characters, and four into 6", () => {
  assert.strictEqual(encodeBase62(new Uint8Array(32).fill(255), 43).length, 43)
  assert.strictEqual(encodeBase62(new Uint8Array(4).fill(255), 6), "4gfFC3")
  assert.throws(() => encodeBase62(new Uint8Array(4).fill(255), 5), RangeError)
})

it("refuses other characters and numbers that are too large", () => {
  for (const text of ["-", "ä", "4gfFC4"]) assert.isTrue(Option.isNone(decodeBase62(text, 4)), text)
})
