/** The whole stack as one scoped resource, and the file that tells other programs where it is. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { redisServer } from "#shared/servers/Binaries.ts"
import { inherited } from "#shared/servers/environment.ts"
import { toolsFolder } from "#shared/servers/tools.ts"
import * as Backing from "./Backing.ts"
import { portsFree, type StackConfig } from "./Config.ts"
import * as Databases from "./Databases.ts"
import { stopInstances, stopLeftovers } from "./leftovers.ts"
import { reported } from "./progress.ts"
import * as Secrets from "./Secrets.ts"
import * as StackLock from "./StackLock.ts"
import * as Supervisor from "./Supervisor.ts"
import { Demo, seedDemo } from "./seedDemo.ts"
import * as Services from "./services.ts"
import { writeWhole } from "./writeWhole.ts"

const Process = Schema.Struct({ http: Schema.String, grpc: Schema.String, pid: Schema.Int })

/** What `stack.json` says while the stack is ready: every URL, every process, and the demo. */
export const StackState = Schema.Struct({
  ready: Schema.Literal(true),
  /** The process that runs the stack, and stops it when it is stopped. */
  pid: Schema.Int,
  services: Schema.Struct({
    controlPlane: Process,
    proxy: Process,
    provisioner: Process,
    identity: Process,
    billing: Process,
  }),
  backing: Schema.Struct({
    postgres: Schema.String,
    redis: Schema.String,
    nats: Schema.String,
    smtp: Schema.String,
    /** Null where the mails go to a server of the operator. */
    mailDir: Schema.NullOr(Schema.String),
  }),
  secretsFile: Schema.String,
  demo: Demo,
})
export type StackState = typeof StackState.Type

/** A stack that is ready. */
export interface Stack {
  readonly state: StackState
  readonly supervisor: Supervisor.Supervisor
}

/** The file in the stack's folder that is there exactly while the stack is ready. */
export const stateFile = (dir: string): string => join(dir, "stack.json")

const servicesFolder = join(import.meta.dirname, "..")

/** What the identity service reads of a Zitadel. */
const zitadelVariables = [
  "ZITADEL_URL",
  "ZITADEL_TOKEN",
  "ZITADEL_TOKEN_FILE",
  "ZITADEL_KEY_FILE",
  "ZITADEL_SIGNING_KEYS",
]

/**
 * Starts everything and returns when the demo application is served. Closing the scope stops it all, whoever uses others
 * first: services, instances, servers. What a stack that was killed left running in the folder is stopped before.
 */
export const start = Effect.fnUntraced(function* (config: StackConfig, programs = servicesFolder) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(config.dir, { recursive: true })
  yield* StackLock.held(config.dir)
  yield* files.remove(stateFile(config.dir), { force: true })
  yield* stopLeftovers(config.dir)
  yield* portsFree(config)
  yield* freshLogs(join(config.dir, "logs"))

  const supervisor = yield* Supervisor.make
  const secretsFile = join(config.dir, "secrets.json")
  const secrets = yield* Secrets.load(secretsFile)
  const parentEnvironment = yield* inherited(["PATH", "HOME", "LANG", "TZ"])
  const compiling = yield* Effect.forkScoped(Services.compiled(parentEnvironment))
  const backing = yield* Backing.start(config, secrets, supervisor)
  const databases = yield* Databases.prepare(config, backing, secrets).pipe(reported(() => "Databases migrated"))
  yield* Fiber.join(compiling)

  yield* Effect.addFinalizer(() => stopInstances(config.dir))
  const world: Services.World = {
    ...{ config, secrets, backing, databases },
    redisServer: yield* redisServer(toolsFolder),
    inherited: parentEnvironment,
    zitadel: yield* inherited(zitadelVariables),
  }
  yield* Effect.forEach(Record.keys(Services.services), (service) => started(service, world, supervisor, programs), {
    concurrency: "unbounded",
  })
  const demo = yield* seedDemo({
    file: join(config.dir, "demo.json"),
    controlPlane: Services.urlOf(config.ports, "controlPlaneHttp"),
    proxy: Services.urlOf(config.ports, "proxyHttp"),
  }).pipe(reported(({ applicationId }) => `Demo application ${applicationId} is served`))

  const state = stateOf(world, supervisor, secretsFile, demo)
  yield* Effect.acquireRelease(writeWhole(stateFile(config.dir), `${JSON.stringify(state, undefined, 2)}\n`), () =>
    Effect.ignore(files.remove(stateFile(config.dir), { force: true })),
  )
  const stack: Stack = { state, supervisor }
  return stack
})

/** Each start writes new logs; those of the start before stay beside them as `<name>.before.log`. */
const freshLogs = Effect.fnUntraced(function* (folder: string) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(folder, { recursive: true })
  const logs = (yield* files.readDirectory(folder)).filter((name) => /^[^.]+\.log$/.test(name))
  yield* Effect.forEach(logs, (name) =>
    files.rename(join(folder, name), join(folder, name.replace(/log$/, "before.log"))),
  )
})

const started = (
  service: Services.Service,
  world: Services.World,
  supervisor: Supervisor.Supervisor,
  programs: string,
) => {
  const { name, http, grpc } = Services.services[service]
  const { ports } = world.config
  return supervisor
    .run(name, Services.start(service, world, programs))
    .pipe(reported(() => `${name} ready on ${ports[http]} (HTTP) and ${ports[grpc]} (gRPC)`))
}

const stateOf = (
  { config, backing }: Services.World,
  supervisor: Supervisor.Supervisor,
  secretsFile: string,
  demo: Demo,
): StackState => ({
  ready: true,
  pid: process.pid,
  services: Record.map(Services.services, ({ name, http, grpc }) => ({
    http: Services.urlOf(config.ports, http),
    grpc: Services.urlOf(config.ports, grpc),
    pid: supervisor.pid(name),
  })),
  backing: {
    postgres: Redacted.value(backing.postgres),
    redis: Redacted.value(backing.redis),
    nats: Redacted.value(backing.nats),
    smtp: Redacted.value(backing.smtp),
    mailDir: Option.getOrNull(backing.mailDir),
  },
  secretsFile,
  demo,
})
