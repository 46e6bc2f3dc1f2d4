/** How the callers of an instance show who they are: the proxy vouches for the API key, and end users add a session. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { JwtVerifier } from "#shared/crypto/Jwt.ts"
import type { Authenticate, CallFacts, KeyIdentity } from "#shared/rpc/Caller.ts"
import { type PublicError, Unauthenticated } from "#shared/rpc/PublicError.ts"
import { refuse } from "../proto.ts"
import type { Sessions } from "../sessions/Sessions.ts"

/** Who signs the identities of keys. */
export const keyIdentityIssuer = "authsome-proxy"

const KeyClaims = Schema.Struct({
  kind: Schema.Literals(["public", "secret"]),
  scp: Schema.Array(Schema.String),
})

type VerifyKey = (call: CallFacts) => Effect.Effect<KeyIdentity, PublicError>

const verifyKey =
  (verifier: JwtVerifier["Service"], applicationId: string): VerifyKey =>
  (call) =>
    verifier.verify(call.header("x-authsome-identity") ?? "", applicationId).pipe(
      Effect.flatMap(({ subject, claims }) =>
        Effect.map(
          Schema.decodeUnknownEffect(KeyClaims)(claims),
          ({ kind, scp }): KeyIdentity => ({ applicationId, keyId: subject, kind, scopes: scp }),
        ),
      ),
      Effect.mapError(() => notVouchedFor),
    )

const notVouchedFor = new Unauthenticated({
  reason: "UNAUTHENTICATED",
  message: "the call does not come with the identity of a key of this application",
})

/** Callers whose key the proxy vouches for, for this application, in X-AuthSome-Identity. */
export const instanceKey = (verifier: JwtVerifier["Service"], applicationId: string): Authenticate => {
  const verify = verifyKey(verifier, applicationId)
  return (call) => Effect.map(verify(call), (key) => ({ _tag: "Key", key }))
}

/** The same, with the access token of a live session in X-AuthSome-Session. */
export const endUserSession = (
  verifier: JwtVerifier["Service"],
  applicationId: string,
  sessions: Sessions["Service"],
): Authenticate => {
  const verify = verifyKey(verifier, applicationId)
  return Effect.fnUntraced(function* (call) {
    const key = yield* verify(call)
    const token = call.header("x-authsome-session")
    if (token === undefined) return yield* noSession
    const { session } = yield* sessions.verify(Redacted.make(token)).pipe(
      Effect.catchTag("AccessTokenInvalid", () => Effect.fail(noSession)),
      Effect.catchTag(["SessionEnded", "DatabaseFailed"], refuse),
    )
    return { _tag: "EndUser", userId: session.userId, sessionId: session.id, key }
  })
}

const noSession = new Unauthenticated({
  reason: "UNAUTHENTICATED",
  message: "the session token is missing, malformed or expired",
})
