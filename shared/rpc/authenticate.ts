/** The identity checks that every program of the mesh shares. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { constantTimeEqual } from "../crypto/digest.ts"
import type { Authenticate } from "./Caller.ts"
import { type PublicError, Unauthenticated } from "./PublicError.ts"

/**
 * Callers that show one of `keys` in `x-internal-api-key`: two keys are accepted while one replaces the other. No key
 * at all refuses everybody.
 */
export const internalKey =
  (keys: ReadonlyArray<Redacted.Redacted<string>>): Authenticate =>
  (call) => {
    const given = call.header("x-internal-api-key")
    // Every key is compared, so that the time tells nothing of which one was near.
    const accepted =
      keys.filter((key) => given !== undefined && constantTimeEqual(given, Redacted.value(key))).length > 0
    return accepted
      ? Effect.succeed({ _tag: "Peer", name: call.header("x-mesh-peer") ?? "unnamed" })
      : Effect.fail<PublicError>(
          new Unauthenticated({ reason: "UNAUTHENTICATED", message: "the internal key is missing or wrong" }),
        )
  }

/** The text after "Bearer " in the Authorization header (RFC 6750, section 2.1). */
export const bearerToken = (header: string | undefined): Redacted.Redacted<string> | undefined => {
  const token = /^Bearer ([\x21-\x7e]+)$/i.exec(header ?? "")?.[1]
  return token === undefined ? undefined : Redacted.make(token)
}
