import { assert, it } from "@effect/vitest"
import { constantTimeEqual, sha256 } from "./digest.ts"

it("hashes text and its bytes alike (FIPS 180-4 vector)", () => {
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  assert.strictEqual(sha256("abc").toString("hex"), expected)
  assert.strictEqual(sha256(Buffer.from("abc")).toString("hex"), expected)
})

it("compares secrets of any lengths", () => {
  assert.isTrue(constantTimeEqual("secret", Buffer.from("secret")))
  assert.isFalse(constantTimeEqual("secret", "secret2"))
  assert.isFalse(constantTimeEqual("", "secret"))
})
