/** The control plane's service for proxies, over one channel. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RoutingService } from "#gen/authsome/control/v1/routing_pb.ts"
import type { CertificatesUnusable } from "#shared/rpc/Certificates.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as MeshChannel from "#shared/rpc/client/MeshChannel.ts"
import type { MeshIdentity } from "#shared/rpc/MeshIdentity.ts"

export class ControlPlaneClient extends Context.Service<ControlPlaneClient, Client.Client<typeof RoutingService>>()(
  "proxy/routes/ControlPlaneClient",
) {
  /** Connects when it is first needed. */
  static readonly layer = (options: {
    readonly url: URL
    readonly identity: MeshIdentity
  }): Layer.Layer<ControlPlaneClient, CertificatesUnusable> =>
    Layer.effect(
      ControlPlaneClient,
      Effect.map(MeshChannel.make({ ...options, peer: "proxy" }), (channel) => Client.make(RoutingService, channel)),
    )
}
