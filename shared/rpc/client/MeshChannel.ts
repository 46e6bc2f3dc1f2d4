/** A way to another program of the mesh, for a program that has an identity of its own. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Certificates from "../Certificates.ts"
import type { MeshIdentity } from "../MeshIdentity.ts"
import * as Channel from "./Channel.ts"

export interface MeshChannelOptions extends Pick<Channel.ChannelOptions, "url" | "peer"> {
  readonly identity: MeshIdentity
}

/**
 * A channel for as long as the scope lives. Shows whatever the identity has: its first key, and its certificate, a
 * replaced one from the next connection on.
 */
export const make = ({
  identity: { keys, certificateFiles },
  ...where
}: MeshChannelOptions): Effect.Effect<Channel.Channel, Certificates.CertificatesUnusable, Scope.Scope> =>
  Effect.gen(function* () {
    const certificates = certificateFiles === undefined ? undefined : yield* Certificates.load(certificateFiles)
    return yield* Channel.make({ ...where, internalKey: keys[0], tls: certificates?.current })
  })
