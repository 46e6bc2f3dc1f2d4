/** The control plane's service for proxies, over one channel. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { RoutingService } from "#gen/authsome/control/v1/routing_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"

export class ControlPlaneClient extends Context.Service<ControlPlaneClient, Client.Client<typeof RoutingService>>()(
  "proxy/routes/ControlPlaneClient",
) {
  /** Connects when it is first needed. */
  static readonly layer = (options: {
    readonly url: URL
    readonly internalKey: Redacted.Redacted<string>
  }): Layer.Layer<ControlPlaneClient> =>
    Layer.effect(
      ControlPlaneClient,
      Effect.map(Channel.make({ ...options, peer: "proxy" }), (channel) => Client.make(RoutingService, channel)),
    )
}
