import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { newRecoveryCode, recoveryCodeDigest } from "./RecoveryCode.ts"

const owner = "user/1"
const hex = (typed: string, of = owner) =>
  Option.getOrElse(
    Option.map(recoveryCodeDigest(typed, of), (digest) => digest.toString("hex")),
    () => "none",
  )

describe("a recovery code", () => {
  it.effect("is four groups of four, another one each time, and shown by no accident", () =>
    Effect.gen(function* () {
      const codes = yield* Effect.forEach(Array.from({ length: 50 }), () => newRecoveryCode)
      for (const code of codes) assert.match(Redacted.value(code), /^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/)
      assert.strictEqual(new Set(codes.map(Redacted.value)).size, codes.length)
      const characters = new Set(codes.map(Redacted.value).join("").replaceAll("-", ""))
      assert.strictEqual(characters.size, 32, "every character is used")
      assert.notInclude(JSON.stringify(codes), codes.map(Redacted.value)[0] ?? "")
    }),
  )

  it("is the same whatever its dashes and case, and however people read its digits", () => {
    const digest = hex("0a1b-2c3d-4e5f-6g7h")
    assert.match(digest, /^[0-9a-f]{64}$/)
    for (const typed of [
      "0A1B-2C3D-4E5F-6G7H",
      "0a1b2c3d4e5f6g7h",
      "-0a1b2c3d--4e5f6g7h-",
      "oaIb-2c3d-4e5f-6g7h",
      "OalB2c3d4e5f6g7h",
    ]) {
      assert.strictEqual(hex(typed), digest, typed)
    }
    assert.notStrictEqual(hex("0a1b-2c3d-4e5f-6g7j"), digest)
    assert.notStrictEqual(hex("0a1b-2c3d-4e5f-6g7h", "user/2"), digest)
  })

  it("is nothing else", () => {
    for (const typed of [
      "",
      "287082",
      "0a1b-2c3d-4e5f-6g7",
      "0a1b-2c3d-4e5f-6g7h8",
      "0a1b-2c3d-4e5f-6g7u",
      "0a1b 2c3d 4e5f 6g7h",
    ]) {
      assert.strictEqual(hex(typed), "none", typed)
    }
  })
})
