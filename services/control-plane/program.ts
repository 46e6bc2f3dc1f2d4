/** The control plane: what it serves, what it consumes and publishes, over what it keeps. */
import * as Layer from "effect/Layer"
import { JwtSigner, JwtVerifier } from "#shared/crypto/Jwt.ts"
import { Passwords } from "#shared/crypto/Password.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Inbox } from "#shared/events/Inbox.ts"
import * as OutboxRelay from "#shared/events/OutboxRelay.ts"
import { Nats } from "#shared/nats/Nats.ts"
import * as Database from "#shared/postgres/Database.ts"
import { Installation } from "./applications/Installation.ts"
import type { ControlPlaneConfig } from "./Config.ts"
import * as Rpc from "./rpc.ts"
import * as StatusConsumer from "./status/consumer.ts"
import * as UseCases from "./UseCases.ts"
import { Billing } from "./usage/client.ts"
import { issuer } from "./users/Session.ts"

const crypto = Layer.mergeAll(
  Passwords.layer,
  Sealer.layerConfig,
  JwtSigner.layerConfig({ issuer }),
  JwtVerifier.layerConfig({ issuer }),
)

const backing = (config: ControlPlaneConfig) =>
  Layer.mergeAll(
    Database.layer({
      url: config.databaseUrl,
      maxConnections: config.maxConnections,
      applicationName: "control-plane",
    }),
    Nats.layer({ url: config.natsUrl, name: "control-plane" }),
    Billing.layer({ url: config.billingUrl, identity: config.mesh }),
    Layer.succeed(Installation, config),
  )

export const program = (config: ControlPlaneConfig) =>
  Layer.mergeAll(Rpc.layer(config), StatusConsumer.layer, OutboxRelay.layer).pipe(
    Layer.provide(Inbox.layer),
    Layer.provide(UseCases.layer),
    Layer.provide([crypto, backing(config)]),
  )
