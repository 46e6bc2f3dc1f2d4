/** The identity checks that every program of the mesh shares. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { constantTimeEqual } from "../crypto/digest.ts"
import { type Authenticate, Authentication, type CallFacts } from "./Caller.ts"
import type { MeshIdentity } from "./MeshIdentity.ts"
import { Unauthenticated } from "./PublicError.ts"

/**
 * Programs of the mesh: whatever `identity` has is asked for, a certificate, a key, or both. The certificate's name is
 * believed; without certificates the name that a program gives itself. An identity that has neither refuses everybody.
 */
export const peers = (identity: MeshIdentity): Effect.Effect<Authenticate> =>
  Effect.as(
    identity.open
      ? Effect.logWarning("MESH_AUTH=none: every program that reaches the mesh port may call every internal rpc")
      : Effect.void,
    (call: CallFacts) => {
      const closed = identity.keys.length === 0 && identity.certificateFiles === undefined
      const certified = identity.certificateFiles === undefined || call.certifiedPeer !== undefined
      const keyed = identity.keys.length === 0 || showsKey(identity.keys, call.header("x-internal-api-key"))
      return identity.open || (!closed && certified && keyed)
        ? Effect.succeed({ _tag: "Peer" as const, name: call.certifiedPeer ?? call.header("x-mesh-peer") ?? "unnamed" })
        : Effect.fail(stranger)
    },
  )

/** For a process that only programs of the mesh call: every other kind of access is refused. */
export const layerPeers = (identity: MeshIdentity): Layer.Layer<Authentication> =>
  Layer.effect(
    Authentication,
    Effect.map(peers(identity), (internal) => ({ INTERNAL: internal })),
  )

/** Every key is compared, so that the time tells nothing of which one was near. */
const showsKey = (keys: ReadonlyArray<Redacted.Redacted<string>>, given: string | undefined): boolean =>
  keys.filter((key) => given !== undefined && constantTimeEqual(given, Redacted.value(key))).length > 0

const stranger = new Unauthenticated({
  reason: "UNAUTHENTICATED",
  message: "the certificate or the internal key is missing or wrong",
})

/** The text after "Bearer " in the Authorization header (RFC 6750, section 2.1). */
export const bearerToken = (header: string | undefined): Redacted.Redacted<string> | undefined => {
  const token = /^Bearer ([\x21-\x7e]+)$/i.exec(header ?? "")?.[1]
  return token === undefined ? undefined : Redacted.make(token)
}
