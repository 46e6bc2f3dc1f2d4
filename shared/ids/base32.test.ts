import { assert, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { decodeBase32, encodeBase32 } from "./base32.ts"

it.prop("what is encoded is decoded again", [Schema.Uint8Array], ([bytes]) => {
  const text = encodeBase32(bytes)
  assert.match(text, /^[a-z2-7]*$/)
  assert.strictEqual(text.length, Math.ceil((bytes.length * 8) / 5))
  assert.deepStrictEqual(Option.getOrThrow(decodeBase32(text)), new Uint8Array(bytes))
})

it.prop(
  "whatever is decoded has no other text",
  [Schema.String.check(Schema.isPattern(/^[a-z2-7]{0,30}$/))],
  ([text]) => {
    const bytes = Option.getOrUndefined(decodeBase32(text))
    assert.isTrue(bytes === undefined || encodeBase32(bytes) === text)
  },
)

it("matches the vectors of RFC 4648, in lower case and without padding", () => {
  const vectors = {
    "": "",
    f: "my",
    fo: "mzxq",
    foo: "mzxw6",
    foob: "mzxw6yq",
    fooba: "mzxw6ytb",
    foobar: "mzxw6ytboi",
  }
  for (const [plain, text] of Object.entries(vectors)) assert.strictEqual(encodeBase32(Buffer.from(plain)), text)
})

it("refuses other characters, lengths and left-over bits", () => {
  for (const text of ["MY", "m1", "m", "my=", "mz", "mzx"]) assert.isTrue(Option.isNone(decodeBase32(text)), text)
})
