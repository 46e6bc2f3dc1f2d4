/** Billing, as the control plane asks it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { UsageService } from "#gen/authsome/billing/v1/usage_pb.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as MeshChannel from "#shared/rpc/client/MeshChannel.ts"
import type { MeshIdentity } from "#shared/rpc/MeshIdentity.ts"

export class Billing extends Context.Service<Billing, { readonly usage: Client.Client<typeof UsageService> }>()(
  "control-plane/Billing",
) {
  /** Over one connection to billing's mesh face, made when it is first needed. */
  static readonly layer = (options: { readonly url: URL; readonly identity: MeshIdentity }) =>
    Layer.effect(
      Billing,
      Effect.map(MeshChannel.make({ ...options, peer: "control-plane" }), (channel) => ({
        usage: Client.make(UsageService, channel),
      })),
    )
}
