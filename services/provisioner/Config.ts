/** What the provisioner is told by its environment. */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import { meshIdentity } from "#shared/rpc/MeshIdentity.ts"
import { serverConfig } from "#shared/rpc/ServerConfig.ts"
import * as EnvConfig from "#shared/runtime/EnvConfig.ts"

/** Where instances run as processes of this machine. */
const local = Config.all({
  folder: Config.NonEmptyString("LOCAL_INSTANCES_DIR"),
  redisServer: Config.NonEmptyString("LOCAL_REDIS_SERVER"),
  redisLibraryPath: Config.option(Config.NonEmptyString("LOCAL_REDIS_LIBRARY_PATH")),
  /** Instances share what Node.js has compiled with whoever starts them. */
  compileCache: Config.option(Config.NonEmptyString("NODE_COMPILE_CACHE")),
})

/** What every instance is told. */
const instance = Config.all({
  keyIdentityPublicKey: Config.NonEmptyString("KEY_IDENTITY_PUBLIC_KEY"),
  smtpUrl: EnvConfig.redactedUrl("SMTP_URL", ["smtp", "smtps"]),
  mailFrom: Config.NonEmptyString("MAIL_FROM").pipe(Config.withDefault("no-reply@localhost")),
  logLevel: Config.NonEmptyString("LOG_LEVEL").pipe(Config.withDefault("info")),
})

/** Reads everything; what is missing or malformed is named. */
export const ProvisionerConfig = Config.all({
  /** The one place there is so far: Kubernetes is another value of it. */
  cluster: Config.Literals(["local"], "CLUSTER"),
  server: serverConfig({ http: 8083, grpc: 9083 }),
  shutdownGrace: EnvConfig.duration("SHUTDOWN_GRACE", Duration.seconds(30)),
  mesh: meshIdentity,
  tenantPostgres: EnvConfig.redactedUrl("TENANT_POSTGRES_URL", ["postgres", "postgresql"]),
  local,
  instance,
})
export type ProvisionerConfig = Config.Success<typeof ProvisionerConfig>
