/** The whole proxy but its process: what `main.ts` runs, and what a test runs beside others. */
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import { Nats } from "#shared/nats/Nats.ts"
import { Redis } from "#shared/redis/Redis.ts"
import { layerPeers } from "#shared/rpc/authenticate.ts"
import { Authorization } from "#shared/rpc/Caller.ts"
import * as Server from "#shared/rpc/Server.ts"
import type { ProxyConfig } from "./Config.ts"
import * as Forward from "./forward/http.ts"
import { Instances } from "./forward/Instances.ts"
import { RateLimits } from "./limits/RateLimits.ts"
import { ActiveUsers } from "./metering/ActiveUsers.ts"
import { Meter } from "./metering/Meter.ts"
import { KeyUseReports } from "./metering/rpc.ts"
import { ControlPlaneClient } from "./routes/ControlPlaneClient.ts"
import * as RouteChanges from "./routes/consumer.ts"
import { Identities } from "./routes/Identities.ts"
import { Routes } from "./routes/Routes.ts"
import * as RouteResolver from "./routes/rpc.ts"
import { SharedRoutes } from "./routes/SharedRoutes.ts"
import { Counts } from "./stats/Counts.ts"
import { ProxyInstance } from "./stats/ProxyInstance.ts"
import * as StatsRpc from "./stats/rpc.ts"

/** Redis must never hold up a request: who does not answer in this time is asked no more. */
const redisTimeout = Duration.millis(250)

export const layer = (config: ProxyConfig) => {
  // What is left of the grace when the server has drained.
  const stopWithin = Duration.times(config.server.shutdownGrace, 0.15)
  const metering = Layer.mergeAll(
    Meter.layer({ interval: config.meterInterval, stopWithin }),
    ActiveUsers.layer({ interval: config.meterInterval, stopWithin }),
    KeyUseReports.layer({ interval: config.keyUseInterval, stopWithin }),
  )
  const routes = Routes.layer({ ttl: config.routeTtl, maxStaleness: config.routeMaxStaleness }).pipe(
    Layer.provide([
      RouteResolver.layer,
      SharedRoutes.layer({ maxStaleness: config.routeMaxStaleness }),
      Identities.layer,
    ]),
  )
  const forward = Forward.layer({
    region: config.region,
    maxBodyBytes: config.server.maxBodyBytes,
    timeout: config.upstreamTimeout,
    trustedHops: config.trustedHops,
  }).pipe(
    Layer.provide([
      RateLimits.layer,
      Instances.layer({ timeout: config.upstreamTimeout, connections: config.upstreamConnections }),
    ]),
  )
  const { server: listening, mesh } = config
  const server = Server.layer(
    { config: listening, outsideRpc: false, certificateFiles: mesh.certificateFiles },
    Layer.mergeAll(forward, StatsRpc.layer),
  ).pipe(Layer.provide([layerPeers(mesh), Authorization.layerNobody]))
  return Layer.merge(server, RouteChanges.layer).pipe(
    Layer.provide([routes, metering]),
    Layer.provide([
      Counts.layer,
      ProxyInstance.layer,
      ControlPlaneClient.layer({ url: config.controlPlaneUrl, identity: mesh }),
      Redis.layer({ url: config.redisUrl, commandTimeout: redisTimeout }),
      Nats.layer({ url: config.natsUrl, name: "proxy" }),
    ]),
  )
}
