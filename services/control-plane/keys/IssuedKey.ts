/** A new key in the clear, for its owner, and what is kept of it. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { sha256 } from "#shared/crypto/digest.ts"
import { makeToken } from "#shared/crypto/Token.ts"
import { newId } from "#shared/ids/Id.ts"
import type { ApplicationId, Environment } from "../applications/Application.ts"
import { ApiKeyId, type KeyType, keyPrefix } from "./ApiKey.ts"

export interface IssuedKey {
  readonly id: ApiKeyId
  readonly type: KeyType
  /** Shown once and kept nowhere. */
  readonly key: Redacted.Redacted<string>
  /** SHA-256: the key has 256 random bits, which need no slow hash. */
  readonly digest: Uint8Array
  readonly masked: string
}

/** A key that opens this application and no other. */
export const issue = Effect.fnUntraced(function* (
  type: KeyType,
  environment: Environment,
  applicationId: ApplicationId,
): Effect.fn.Return<IssuedKey> {
  const prefix = keyPrefix(type, environment, applicationId)
  const id = ApiKeyId.make(yield* newId("key"))
  const key = yield* makeToken(prefix)
  const text = Redacted.value(key)
  return { id, type, key, digest: sha256(text), masked: `${prefix}…${text.slice(-4)}` }
})
