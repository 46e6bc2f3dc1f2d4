/** How Zitadel shows who it is. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { constantTimeEqual } from "#shared/crypto/digest.ts"
import type { Authenticate } from "#shared/rpc/Caller.ts"
import { type PublicError, Unauthenticated, Unavailable, Unimplemented } from "#shared/rpc/PublicError.ts"

/**
 * Callers that show one of `keys` in X-Internal-API-Key: two are accepted while one replaces the other. Without any key
 * nobody is let in, and everybody is told that it is not their fault.
 */
export const zitadelKey = (keys: ReadonlyArray<Redacted.Redacted<string>>): Authenticate => {
  if (keys.length === 0) return () => Effect.fail<PublicError>(notConfigured)
  return (call) => {
    const given = call.header("x-internal-api-key") ?? ""
    // Every key is compared, so that the time tells nothing of which one was near.
    const accepted = keys.filter((key) => constantTimeEqual(given, Redacted.value(key))).length > 0
    return accepted ? Effect.succeed({ _tag: "Peer", name: "zitadel" }) : Effect.fail<PublicError>(unauthorized)
  }
}

/** Actions of version 2 sign what they send. Their turn has not come, and who cannot be checked is refused. */
export const zitadelSignature: Authenticate = () =>
  Effect.fail(new Unimplemented({ reason: "UNIMPLEMENTED", message: "signed calls are not taken yet" }))

const notConfigured = new Unavailable({ reason: "UNAUTHORIZED", message: "no internal key is configured" })
const unauthorized = new Unauthenticated({ reason: "UNAUTHORIZED", message: "the internal key is missing or wrong" })
