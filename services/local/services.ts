/** The five services of the stack: what each is told, and how it is run. */
import { join } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Binary } from "#shared/servers/Binaries.ts"
import { run } from "#shared/servers/Command.ts"
import { isOk } from "#shared/servers/probe.ts"
import type { ServerFailed } from "#shared/servers/ServerFailed.ts"
import { launch, readyWhen, type ServerProcess } from "#shared/servers/ServerProcess.ts"
import { toolsFolder } from "#shared/servers/tools.ts"
import type { Backing } from "./Backing.ts"
import type { Listener, Ports, StackConfig } from "./Config.ts"
import type { DatabaseUrls } from "./Databases.ts"
import { instancesOf, recordsOf } from "./leftovers.ts"
import type { Secrets } from "./Secrets.ts"

/** In the order in which they start. */
export const services = {
  billing: { name: "billing", http: "billingHttp", grpc: "billingGrpc" },
  identity: { name: "identity", http: "identityHttp", grpc: "identityGrpc" },
  provisioner: { name: "provisioner", http: "provisionerHttp", grpc: "provisionerGrpc" },
  controlPlane: { name: "control-plane", http: "controlPlaneHttp", grpc: "controlPlaneGrpc" },
  proxy: { name: "proxy", http: "proxyHttp", grpc: "proxyGrpc" },
} as const satisfies Record<string, { readonly name: string; readonly http: Listener; readonly grpc: Listener }>

export type Service = keyof typeof services

/** All that the services are told of the world. */
export interface World {
  readonly config: StackConfig
  readonly secrets: Secrets
  readonly backing: Backing
  readonly databases: DatabaseUrls
  /** The program that instances run as their Redis, and its environment. */
  readonly redisServer: Binary
  /** What every child process may know of our own environment. */
  readonly inherited: Readonly<Record<string, string>>
  /** Where our own environment names a Zitadel, what it says of it. */
  readonly zitadel: Readonly<Record<string, string>>
}

/** `http://127.0.0.1:<port>`. */
export const urlOf = (ports: Ports, listener: Listener): string => `http://127.0.0.1:${ports[listener]}`

/**
 * Keeps a process small: young objects get 2 MB instead of up to 16, it may tidy up after its start, and what Node makes
 * of a TypeScript file is kept on disk, so that most processes never load the compiler.
 */
const lean = ["--max-semi-space-size=2", "--expose-gc"]
const compileCache = join(toolsFolder, "compile-cache")

/** Compiles the services' modules where nobody has yet. Only saves time: what is not compiled then is compiled later. */
export const compiled = Effect.fnUntraced(function* (
  environment: Readonly<Record<string, string>>,
): Effect.fn.Return<void, never, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  if (yield* Effect.orElseSucceed(files.exists(compileCache), () => true)) return
  yield* run({
    command: process.execPath,
    args: [join(import.meta.dirname, "compileAll.ts")],
    env: { ...environment, NODE_COMPILE_CACHE: compileCache, LOAD_ONLY: "1" },
  }).pipe(
    Effect.asVoid,
    Effect.catch(({ message }) => Effect.logWarning("the services could not be compiled ahead", message)),
  )
})

/** Everybody on this machine comes from one address: what is much for one person is little for all of them. */
const rates = {
  RATE_LIMIT_DEFAULT_PER_MINUTE: "60000",
  RATE_LIMIT_CREDENTIAL_PER_MINUTE: "1200",
  RATE_LIMIT_COSTLY_PER_MINUTE: "1200",
}

/** The environment of each service: exactly what it needs, no secret that it has no use for. */
export const environments = (world: World): Record.ReadonlyRecord<Service, Readonly<Record<string, string>>> => {
  const { config, databases, backing } = world
  const { ports } = config
  const database = (of: keyof DatabaseUrls) => ({ DATABASE_URL: Redacted.value(databases[of]) })
  const secrets = Record.map(world.secrets, Redacted.value)
  const { INTERNAL_API_KEY, INTERNAL_GRPC_API_KEY, SEALING_KEYS, TOKEN_SIGNING_KEYS } = secrets
  const { KEY_IDENTITY_PRIVATE_KEY, KEY_IDENTITY_PUBLIC_KEY } = secrets
  const NATS_URL = Redacted.value(backing.nats)
  const REDIS_URL = Redacted.value(backing.redis)
  const SMTP_URL = Redacted.value(backing.smtp)
  const TENANT_POSTGRES_URL = Redacted.value(backing.postgres)
  const libraries = world.redisServer.env["LD_LIBRARY_PATH"]
  const mesh = { NATS_URL, INTERNAL_GRPC_API_KEY }
  const own = {
    controlPlane: {
      ...{ ...database("control"), ...mesh, REDIS_URL, TOKEN_SIGNING_KEYS, SEALING_KEYS },
      API_BASE_URL: urlOf(ports, "proxyHttp"),
      DASHBOARD_URL: urlOf(ports, "controlPlaneHttp"),
      ...rates,
      BILLING_GRPC_URL: urlOf(ports, "billingGrpc"),
    },
    proxy: {
      ...{ ...mesh, REDIS_URL, KEY_IDENTITY_PRIVATE_KEY, REGION: "local" },
      // Keys of its own: who is open to the internet has no use for what seals the others' secrets.
      SEALING_KEYS: secrets.PROXY_SEALING_KEYS,
      CONTROL_PLANE_GRPC_URL: urlOf(ports, "controlPlaneGrpc"),
    },
    provisioner: {
      ...{ ...database("provisioner"), ...mesh, SMTP_URL, SEALING_KEYS, KEY_IDENTITY_PUBLIC_KEY, TENANT_POSTGRES_URL },
      CLUSTER: "local",
      LOCAL_INSTANCES_DIR: instancesOf(config.dir),
      LOCAL_REDIS_SERVER: world.redisServer.command,
      ...(libraries !== undefined && { LOCAL_REDIS_LIBRARY_PATH: libraries }),
    },
    identity: {
      ...{ ...database("identity"), ...mesh, REDIS_URL, SMTP_URL, INTERNAL_API_KEY, SEALING_KEYS },
      ...world.zitadel,
      IDENTITY_ROLE: "nova",
    },
    billing: { ...database("billing"), ...mesh, REDIS_URL, TENANT_POSTGRES_URL },
  }
  return Record.map(own, (environment, service) => ({
    ...world.inherited,
    ...environment,
    LISTEN_HOST: "127.0.0.1",
    NODE_COMPILE_CACHE: compileCache,
    HTTP_PORT: String(ports[services[service].http]),
    SERVER_PORT: String(ports[services[service].grpc]),
    LOG_LEVEL: config.logLevel,
    SHUTDOWN_GRACE: `${Duration.toSeconds(config.shutdownGrace)} seconds`,
  }))
}

/** Runs a service from its folder in `programs`; ready when its mesh port says so on `/ready`. */
export const start = Effect.fnUntraced(function* (
  service: Service,
  world: World,
  programs: string,
): Effect.fn.Return<{ readonly process: ServerProcess }, ServerFailed, Scope.Scope> {
  const { name, grpc } = services[service]
  const { dir, ports, shutdownGrace } = world.config
  const running = yield* launch({
    server: name,
    command: process.execPath,
    args: [...lean, join(programs, name, "main.ts")],
    env: environments(world)[service],
    cwd: join(programs, ".."),
    log: join(dir, "logs", `${name}.log`),
    record: join(recordsOf(dir), `${name}.pid.json`),
    stopWithin: Duration.sum(shutdownGrace, Duration.seconds(5)),
  })
  yield* readyWhen(running, isOk(`${urlOf(ports, grpc)}/ready`), "60 seconds")
  return { process: running }
})
