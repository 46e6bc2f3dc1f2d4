/** Billing, as the control plane asks it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { UsageService } from "#gen/authsome/billing/v1/usage_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"

export class Billing extends Context.Service<Billing, { readonly usage: Client.Client<typeof UsageService> }>()(
  "control-plane/Billing",
) {
  /** Over one connection to billing's mesh face, made when it is first needed. */
  static readonly layer = (options: { readonly url: URL; readonly internalKey: Redacted.Redacted<string> }) =>
    Layer.effect(
      Billing,
      Effect.map(Channel.make({ ...options, peer: "control-plane" }), (channel) => ({
        usage: Client.make(UsageService, channel),
      })),
    )
}
