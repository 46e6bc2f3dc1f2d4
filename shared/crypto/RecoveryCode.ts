/**
 * Codes that stand in for a lost authenticator, once each: 80 random bits as `xxxx-xxxx-xxxx-xxxx`, written down by people
 * and typed in again. That is too much to be guessed even by who has the digests, so a fast hash is enough.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { sha256 } from "./digest.ts"
import { randomBytes } from "./random.ts"

/** Crockford's base32: no letter that is mistaken for a digit, and none that makes words. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
const length = 16
const shape = new RegExp(`^[${alphabet}]{${length}}$`)

/** A new code as it is shown to its owner. */
export const newRecoveryCode: Effect.Effect<Redacted.Redacted<string>> = Effect.map(randomBytes(length), (random) => {
  const characters = Array.from(random, (byte) => alphabet.charAt(byte % alphabet.length)).join("")
  return Redacted.make(characters.replaceAll(/(?<=^(?:.{4})+)(?=.)/g, "-"), { label: "recovery code" })
})

/**
 * What is stored of a code, whatever its dashes and case, and with O, I and L read as the digits that they look like; none
 * for a text that is no code. `owner` names whose code it is, such as `user/…`: the same code is another one elsewhere.
 */
export const recoveryCodeDigest = (typed: string, owner: string): Option.Option<Buffer> => {
  const code = typed.toLowerCase().replaceAll("-", "").replaceAll("o", "0").replaceAll(/[il]/g, "1")
  return shape.test(code) ? Option.some(sha256(JSON.stringify(["recovery code", owner, code]))) : Option.none()
}
