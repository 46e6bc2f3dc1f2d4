/** All that the control plane is told by its environment; `TOKEN_SIGNING_KEYS` and `SEALING_KEYS` are read where they are used. */
import * as Config from "effect/Config"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Rates, rates } from "#shared/rpc/limits/Rates.ts"
import { type MeshIdentity, meshIdentity, peerUrl } from "#shared/rpc/MeshIdentity.ts"
import { type ServerConfig, serverConfig, trustedHops } from "#shared/rpc/ServerConfig.ts"
import * as EnvConfig from "#shared/runtime/EnvConfig.ts"

export interface ControlPlaneConfig {
  readonly server: ServerConfig
  readonly databaseUrl: Redacted.Redacted<string>
  readonly maxConnections: number
  readonly natsUrl: Redacted.Redacted<string>
  /** Where the processes of the control plane count the rates of callers together. None: each counts for itself. */
  readonly redisUrl: Option.Option<Redacted.Redacted<string>>
  readonly rates: Rates
  /** Programs of ours in front, each of which appends to X-Forwarded-For. */
  readonly trustedHops: number
  /** How the programs of the mesh know one another. */
  readonly mesh: MeshIdentity
  /** The proxy, as customers' programs reach it. */
  readonly apiBaseUrl: URL
  /** The dashboard, as people reach it. */
  readonly dashboardUrl: URL
  /** The web origins whose pages may call: those of dashboards that are served elsewhere. */
  readonly dashboardOrigins: ReadonlyArray<string>
  readonly billingUrl: URL
  /** Where applications may run; the first is the default. */
  readonly regions: readonly [string, ...ReadonlyArray<string>]
}

const parts = (text: string) => text.split(",").map((part) => part.trim())

/** A list separated by commas; `expected` says what each entry must be. */
const list = (name: string, isEntry: (entry: string) => boolean, expected: string) =>
  Config.schema(Schema.String.check(Schema.makeFilter((text) => parts(text).every(isEntry), { expected })), name).pipe(
    Config.map((text): readonly [string, ...ReadonlyArray<string>] => {
      const [first = "", ...rest] = parts(text)
      return [first, ...rest]
    }),
  )

const regions = list(
  "REGIONS",
  (region) => /^(?=.{1,32}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(region),
  "names such as us-east-1, separated by commas",
).pipe(Config.withDefault(["local"] as const))

const dashboardOrigins = list(
  "DASHBOARD_ORIGINS",
  (origin) => /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin,
  "origins such as https://dashboard.example, without path, separated by commas",
).pipe(Config.withDefault([] as const))

export const ControlPlaneConfig: Config.Config<ControlPlaneConfig> = Config.all({
  server: serverConfig({ http: 8080, grpc: 9080 }),
  mesh: meshIdentity,
  databaseUrl: EnvConfig.databaseUrl,
  maxConnections: Config.Int("DATABASE_MAX_CONNECTIONS").pipe(Config.withDefault(10)),
  natsUrl: EnvConfig.natsUrl,
  redisUrl: Config.option(EnvConfig.redisUrl),
  rates: rates("DEFAULT", "CREDENTIAL", "COSTLY"),
  trustedHops,
  apiBaseUrl: EnvConfig.url("API_BASE_URL", ["http", "https"]),
  dashboardUrl: EnvConfig.url("DASHBOARD_URL", ["http", "https"]),
  dashboardOrigins,
  billingUrl: peerUrl("BILLING_GRPC_URL"),
  regions,
})
