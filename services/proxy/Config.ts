/**
 * All that the proxy can be told by its environment, but its keys, which are read by the layers that use them:
 * `KEY_IDENTITY_PRIVATE_KEY` (Ed25519, PKCS8 in base64) signs what it tells instances, and `SEALING_KEYS`, the same for
 * all proxies, seal the routes that they share.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type MeshIdentity, meshIdentity, peerUrl } from "#shared/rpc/MeshIdentity.ts"
import { type ServerConfig, serverConfig, trustedHops } from "#shared/rpc/ServerConfig.ts"
import * as EnvConfig from "#shared/runtime/EnvConfig.ts"

export interface ProxyConfig {
  readonly server: ServerConfig
  readonly redisUrl: Redacted.Redacted<string>
  readonly natsUrl: Redacted.Redacted<string>
  readonly controlPlaneUrl: URL
  /** How the programs of the mesh know one another. */
  readonly mesh: MeshIdentity
  readonly region: string
  /** How long a verdict on a key is acted upon without asking again. */
  readonly routeTtl: Duration.Duration
  /** How long a good key goes on while neither Redis nor the control plane answers. */
  readonly routeMaxStaleness: Duration.Duration
  /** How long an instance may take to begin its answer, and be silent within it. */
  readonly upstreamTimeout: Duration.Duration
  /** Connections to one instance. */
  readonly upstreamConnections: number
  /** Programs of ours in front of the proxy, each of which appends to X-Forwarded-For. */
  readonly trustedHops: number
  /** How long a served request waits at most before billing is told. */
  readonly meterInterval: Duration.Duration
  /** How often the control plane is told which keys were used. */
  readonly keyUseInterval: Duration.Duration
}

const count = (name: string, minimum: number, maximum: number, otherwise: number): Config.Config<number> =>
  Config.schema(Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum })), name).pipe(
    Config.withDefault(otherwise),
  )

export const ProxyConfig: Config.Config<ProxyConfig> = Config.all({
  server: serverConfig({ http: 8082, grpc: 9082 }),
  mesh: meshIdentity,
  redisUrl: EnvConfig.redisUrl,
  natsUrl: EnvConfig.natsUrl,
  controlPlaneUrl: peerUrl("CONTROL_PLANE_GRPC_URL"),
  region: Config.NonEmptyString("REGION").pipe(Config.withDefault("local")),
  routeTtl: EnvConfig.duration("ROUTE_TTL", Duration.seconds(60)),
  routeMaxStaleness: EnvConfig.duration("ROUTE_MAX_STALENESS", Duration.minutes(10)),
  upstreamTimeout: EnvConfig.duration("UPSTREAM_TIMEOUT", Duration.seconds(30)),
  upstreamConnections: count("UPSTREAM_CONNECTIONS", 1, 1024, 64),
  trustedHops,
  meterInterval: EnvConfig.duration("METER_INTERVAL", Duration.millis(200)),
  keyUseInterval: EnvConfig.duration("KEY_USE_INTERVAL", Duration.seconds(30)),
})
