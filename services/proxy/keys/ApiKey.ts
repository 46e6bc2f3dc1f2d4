/**
 * What a customer's key says of itself, before anybody is asked: `{pk|sk}_{live|test}_{x}_{43 characters}{6 of CRC-32}`,
 * where x is the application's id without its prefix.
 */
import { hash } from "node:crypto"
import * as Option from "effect/Option"
import { parseToken } from "#shared/crypto/Token.ts"

export interface ApiKey {
  /** The application that the key is made for. */
  readonly applicationId: string
  readonly kind: "public" | "secret"
}

const prefixShape = /^(pk|sk)_(?:live|test)_([a-z2-7]{16})_$/
const applicationIdShape = /^app_[a-z2-7]{16}$/

/** No key of ours is longer; longer texts are not even hashed. */
const maxLength = 128

/** The key that `text` can be by its shape and checksum; undefined for everything else. That it exists is another question. */
export const parseApiKey = (text: string): ApiKey | undefined => {
  if (text.length > maxLength) return undefined
  const token = Option.getOrUndefined(parseToken(text))
  const [, kind, suffix] = prefixShape.exec(token?.prefix ?? "") ?? []
  if (suffix === undefined) return undefined
  return { applicationId: `app_${suffix}`, kind: kind === "pk" ? "public" : "secret" }
}

/** SHA-256 of the key in hex, by which it is known everywhere but here; undefined for what is too long to be one. */
export const digestOf = (text: string): string | undefined =>
  text.length > maxLength ? undefined : hash("sha256", text, "hex")

/** Whether `text` can be an application's id. */
export const isApplicationId = (text: string): boolean => applicationIdShape.test(text)
