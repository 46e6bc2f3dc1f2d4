/** All that the control plane is told by its environment; `TOKEN_SIGNING_KEYS` and `SEALING_KEYS` are read where they are used. */
import * as Config from "effect/Config"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type ServerConfig, serverConfig } from "#shared/rpc/ServerConfig.ts"
import * as EnvConfig from "#shared/runtime/EnvConfig.ts"

export interface ControlPlaneConfig {
  readonly server: ServerConfig
  readonly databaseUrl: Redacted.Redacted<string>
  readonly maxConnections: number
  readonly natsUrl: Redacted.Redacted<string>
  /** What programs of the mesh show one another: the first is shown, each is accepted. */
  readonly internalKeys: readonly [Redacted.Redacted<string>, ...ReadonlyArray<Redacted.Redacted<string>>]
  /** The proxy, as customers' programs reach it. */
  readonly apiBaseUrl: URL
  /** The dashboard, as people reach it. */
  readonly dashboardUrl: URL
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

const internalKeys = Config.map(
  list(
    "INTERNAL_GRPC_API_KEY",
    (key) => key.length >= 16,
    "one key, or two separated by a comma, of at least 16 characters each",
  ),
  ([first, ...rest]): ControlPlaneConfig["internalKeys"] => {
    const redact = (key: string) => Redacted.make(key, { label: "INTERNAL_GRPC_API_KEY" })
    return [redact(first), ...rest.map(redact)]
  },
)

const regions = list(
  "REGIONS",
  (region) => /^(?=.{1,32}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(region),
  "names such as us-east-1, separated by commas",
).pipe(Config.withDefault(["local"] as const))

export const ControlPlaneConfig: Config.Config<ControlPlaneConfig> = Config.all({
  server: serverConfig({ http: 8080, grpc: 9080 }),
  databaseUrl: EnvConfig.databaseUrl,
  maxConnections: Config.Int("DATABASE_MAX_CONNECTIONS").pipe(Config.withDefault(10)),
  natsUrl: EnvConfig.natsUrl,
  internalKeys,
  apiBaseUrl: EnvConfig.url("API_BASE_URL", ["http", "https"]),
  dashboardUrl: EnvConfig.url("DASHBOARD_URL", ["http", "https"]),
  billingUrl: EnvConfig.url("BILLING_GRPC_URL", ["http", "https"]),
  regions,
})
