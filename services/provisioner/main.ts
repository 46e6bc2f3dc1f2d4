/** The provisioner's process. */
import { join } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Inbox } from "#shared/events/Inbox.ts"
import * as OutboxRelay from "#shared/events/OutboxRelay.ts"
import { Nats } from "#shared/nats/Nats.ts"
import * as Operations from "#shared/operations/rpc.ts"
import * as Database from "#shared/postgres/Database.ts"
import { layerPeers } from "#shared/rpc/authenticate.ts"
import { Authorization } from "#shared/rpc/Caller.ts"
import * as Server from "#shared/rpc/Server.ts"
import { launch } from "#shared/runtime/Launch.ts"
import * as Consumer from "./applications/consumer.ts"
import { InstanceEnvironment } from "./applications/InstanceEnvironment.ts"
import { Provisionings } from "./applications/Provisionings.ts"
import * as Reconciler from "./applications/Reconciler.ts"
import * as Rpc from "./applications/rpc.ts"
import { Steps } from "./applications/Steps.ts"
import { ProvisionerConfig } from "./Config.ts"
import * as LocalCluster from "./cluster/LocalCluster.ts"
import { TenantDatabases } from "./database/TenantDatabases.ts"

const root = join(import.meta.dirname, "..", "..")

/** Only programs of the mesh call it. */
const server = ({ server, mesh }: ProvisionerConfig) =>
  Server.layer(
    { config: server, certificateFiles: mesh.certificateFiles },
    Layer.merge(Rpc.layer, Operations.layer),
  ).pipe(Layer.provide([layerPeers(mesh), Authorization.layerNobody]))

/** Instances stop beside the server, not after it: both must have ended when the time is over. */
const cluster = ({ local, shutdownGrace }: ProvisionerConfig) =>
  LocalCluster.layer({
    folder: local.folder,
    redis: { command: local.redisServer, libraryPath: local.redisLibraryPath },
    instance: {
      main: join(root, "services", "identity", "main.ts"),
      readyWithin: Duration.seconds(30),
      stopWithin: Duration.times(shutdownGrace, 0.5),
      compileCache: local.compileCache,
    },
  })

const reconciler = (config: ProvisionerConfig) =>
  Reconciler.layer().pipe(
    Layer.provide(Steps.layer),
    Layer.provide([
      cluster(config),
      TenantDatabases.layer({ url: config.tenantPostgres, migrations: join(root, "migrations", "identity") }),
      Layer.succeed(InstanceEnvironment, {
        ...config.instance,
        shutdownGrace: `${Duration.toSeconds(config.shutdownGrace) * 0.4} seconds`,
      }),
      Sealer.layerConfig,
    ]),
  )

launch(
  Layer.unwrap(
    Effect.map(ProvisionerConfig, (config) =>
      Layer.mergeAll(server(config), reconciler(config), Consumer.layer, OutboxRelay.layer).pipe(
        Layer.provide([Provisionings.layer, Inbox.layer]),
        Layer.provide([
          // A relay that listens takes its connection out of the pool for good, which must not happen to a shared one.
          Database.layerConfig({ applicationName: "provisioner", multiplex: false }),
          Nats.layerConfig({ name: "provisioner" }),
        ]),
      ),
    ),
  ),
  { service: "provisioner" },
)
