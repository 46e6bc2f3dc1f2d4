/** What the billing process is told by its environment. */
import * as Config from "effect/Config"
import { meshIdentity } from "#shared/rpc/MeshIdentity.ts"
import { serverConfig } from "#shared/rpc/ServerConfig.ts"
import * as EnvConfig from "#shared/runtime/EnvConfig.ts"

export const BillingConfig = Config.all({
  /** HTTP_PORT (8084), SERVER_PORT (9084) and the rest that every server has. */
  server: serverConfig({ http: 8084, grpc: 9084 }),
  /** Its own database. */
  databaseUrl: EnvConfig.databaseUrl,
  /** Where the proxy's batches come from. */
  natsUrl: EnvConfig.natsUrl,
  /** Where the proxy keeps the live estimates of active users. */
  redisUrl: EnvConfig.redisUrl,
  /** Where the databases of the applications are, to be measured; unset: they are not. */
  tenantPostgresUrl: Config.option(EnvConfig.redactedUrl("TENANT_POSTGRES_URL", ["postgres", "postgresql"])),
  /** How the programs of the mesh know one another. */
  mesh: meshIdentity,
})
export type BillingConfig = Config.Success<typeof BillingConfig>
