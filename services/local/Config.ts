/** What the one-command stack can be told, all of it by variables, all of it optional. */
import { resolve } from "node:path"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as EnvConfig from "#shared/runtime/EnvConfig.ts"
import { freePorts, isFree, type NoFreePort } from "#shared/servers/Ports.ts"

/** Every port of the stack: who listens there, which variable sets it, and where it is unless set. */
export const listeners = {
  controlPlaneHttp: { who: "the control-plane's HTTP", variable: "CONTROL_PLANE_HTTP_PORT", port: 8080 },
  controlPlaneGrpc: { who: "the control-plane's gRPC", variable: "CONTROL_PLANE_GRPC_PORT", port: 9080 },
  identityHttp: { who: "the identity service's HTTP", variable: "IDENTITY_HTTP_PORT", port: 8081 },
  identityGrpc: { who: "the identity service's gRPC", variable: "IDENTITY_GRPC_PORT", port: 9081 },
  proxyHttp: { who: "the proxy's HTTP", variable: "PROXY_HTTP_PORT", port: 8082 },
  proxyGrpc: { who: "the proxy's gRPC", variable: "PROXY_GRPC_PORT", port: 9082 },
  provisionerHttp: { who: "the provisioner's HTTP", variable: "PROVISIONER_HTTP_PORT", port: 8083 },
  provisionerGrpc: { who: "the provisioner's gRPC", variable: "PROVISIONER_GRPC_PORT", port: 9083 },
  billingHttp: { who: "billing's HTTP", variable: "BILLING_HTTP_PORT", port: 8084 },
  billingGrpc: { who: "billing's gRPC", variable: "BILLING_GRPC_PORT", port: 9084 },
  postgres: { who: "PostgreSQL", variable: "POSTGRES_PORT", port: 54_320 },
  redis: { who: "Redis", variable: "REDIS_PORT", port: 63_790 },
  nats: { who: "NATS", variable: "NATS_PORT", port: 42_220 },
  smtp: { who: "the mail sink", variable: "SMTP_PORT", port: 10_250 },
} as const

export type Listener = keyof typeof listeners
export type Ports = Record.ReadonlyRecord<Listener, number>

/** Servers that the operator brings; what is absent the stack brings itself. */
export type GivenServers = Record.ReadonlyRecord<
  "postgres" | "redis" | "nats" | "smtp",
  Option.Option<Redacted.Redacted<string>>
>

export interface StackConfig {
  /** The folder, absolute, that holds everything the stack keeps. */
  readonly dir: string
  readonly ports: Ports
  readonly given: GivenServers
  /** Whether the stack's own servers keep what they acknowledged; tests have no use for that. */
  readonly durable: boolean
  /** Passed on to the services. */
  readonly logLevel: string
  /** How long a service may take to stop. */
  readonly shutdownGrace: Duration.Duration
}

/** Two parts of the stack were given one port. */
export class PortShared extends Schema.TaggedError<PortShared>()("PortShared", {
  port: Schema.Int,
  variables: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `${this.variables.join(" and ")} are both ${this.port}; give each a port of its own`
  }
}

/** Somebody else listens where a part of the stack wants to. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  port: Schema.Int,
  who: Schema.String,
  variable: Schema.String,
}) {
  override get message(): string {
    return `Port ${this.port} for ${this.who} is taken; set ${this.variable} to a free port, or PORTS=auto for free ports everywhere`
  }
}

const settings = Config.all({
  dir: Config.NonEmptyString("STACK_DIR").pipe(Config.withDefault(".local")),
  choice: Config.Literals(["default", "auto"], "PORTS").pipe(Config.withDefault("default" as const)),
  ports: Config.all(Record.map(listeners, ({ variable }) => Config.option(Config.Port(variable)))),
  given: Config.all({
    postgres: Config.option(EnvConfig.databaseUrl),
    redis: Config.option(EnvConfig.redisUrl),
    nats: Config.option(EnvConfig.natsUrl),
    smtp: Config.option(EnvConfig.redactedUrl("SMTP_URL", ["smtp", "smtps"])),
  }),
  logLevel: Config.NonEmptyString("LOG_LEVEL").pipe(Config.withDefault("info")),
  shutdownGrace: EnvConfig.duration("SHUTDOWN_GRACE", Duration.seconds(5)),
})

/** The configuration from the environment, with a port for everything: as set, else free (`PORTS=auto`), else the default. */
export const stackConfig: Effect.Effect<StackConfig, Config.ConfigError | NoFreePort | PortShared> = Effect.gen(
  function* () {
    const { choice, ...read } = yield* settings
    const free = choice === "auto" ? [...(yield* freePorts(Record.size(listeners)))] : []
    const ports = Record.map(read.ports, (port, name) =>
      Option.getOrElse(port, () => free.pop() ?? listeners[name].port),
    )
    yield* noneShared(ports)
    return { ...read, dir: resolve(read.dir), ports, durable: true }
  },
)

const noneShared = Effect.fnUntraced(function* (ports: Ports): Effect.fn.Return<void, PortShared> {
  for (const [name, port] of Record.toEntries(ports)) {
    const others = Record.toEntries(ports).filter(([other, its]) => its === port && other !== name)
    const variables = [[name] as const, ...others].map(([which]) => listeners[which].variable)
    if (others.length > 0) return yield* new PortShared({ port, variables })
  }
})

/** Fails with the first port that is taken, before anything is started. Ports of servers that are given do not count. */
export const portsFree = Effect.fnUntraced(function* (config: StackConfig): Effect.fn.Return<void, PortTaken> {
  const given: Partial<Record.ReadonlyRecord<Listener, Option.Option<unknown>>> = config.given
  for (const [name, { who, variable }] of Record.toEntries(listeners)) {
    const port = config.ports[name]
    const needed = Option.isNone(given[name] ?? Option.none())
    if (needed && !(yield* isFree(port))) return yield* new PortTaken({ port, who, variable })
  }
})
