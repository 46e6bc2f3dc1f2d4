/** How Zitadel shows who it is. */
import { timingSafeEqual } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { sha256 } from "#shared/crypto/digest.ts"
import type { Authenticate, CallerIdentity } from "#shared/rpc/Caller.ts"
import { type PublicError, Unauthenticated, Unavailable } from "#shared/rpc/PublicError.ts"
import { signatureHeader, verdictOn } from "./signature.ts"

/**
 * Callers that show one of `keys` in X-Internal-API-Key: two are accepted while one replaces the other. Without any key
 * nobody is let in, and everybody is told that it is not their fault.
 */
export const zitadelKey = (keys: ReadonlyArray<Redacted.Redacted<string>>): Authenticate => {
  if (keys.length === 0) return () => Effect.fail<PublicError>(noKey)
  const digests = keys.map((key) => sha256(Redacted.value(key)))
  const accepted = Effect.succeed(zitadel)
  const refused = Effect.fail<PublicError>(wrongKey)
  return (call) => {
    const given = sha256(call.header("x-internal-api-key") ?? "")
    // Every key is compared, so that the time tells nothing of which one was near.
    return digests.filter((digest) => timingSafeEqual(given, digest)).length > 0 ? accepted : refused
  }
}

/**
 * Callers whose body carries a signature by one of `keys`, which Zitadel gave out for its targets. Without any key nobody
 * is let in, as above.
 */
export const zitadelSignature = (keys: ReadonlyArray<Redacted.Redacted<string>>): Authenticate => {
  if (keys.length === 0) return () => Effect.fail<PublicError>(noSigningKey)
  return Effect.fnUntraced(function* ({ header, body }) {
    const given = header(signatureHeader)
    if (given === undefined || body === undefined) return yield* wrongSignature
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    switch (verdictOn({ header: given, body }, keys, now)) {
      case "right":
        return zitadel
      case "stale":
        return yield* staleSignature
      case "wrong":
        return yield* wrongSignature
    }
  })
}

const zitadel: CallerIdentity = { _tag: "Peer", name: "zitadel" }

const noKey = new Unavailable({ reason: "UNAUTHORIZED", message: "no internal key is configured" })
const noSigningKey = new Unavailable({ reason: "UNAUTHORIZED", message: "no signing key is configured" })

const unauthorized = (message: string) => new Unauthenticated({ reason: "UNAUTHORIZED", message })
const wrongKey = unauthorized("the internal key is missing or wrong")
const wrongSignature = unauthorized("the signature is missing or wrong")
const staleSignature = unauthorized("the signature is older or newer than 300 seconds")
