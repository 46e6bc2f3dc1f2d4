/** The servers below the services: those given by the operator, else our own. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as MailSink from "#shared/servers/MailSink.ts"
import * as NatsServer from "#shared/servers/NatsServer.ts"
import { Notices } from "#shared/servers/Notices.ts"
import * as PostgresServer from "#shared/servers/PostgresServer.ts"
import * as RedisServer from "#shared/servers/RedisServer.ts"
import type { RunningServer, ServerOptions } from "#shared/servers/RunningServer.ts"
import type { ServerFailed } from "#shared/servers/ServerFailed.ts"
import { toolsFolder } from "#shared/servers/tools.ts"
import type { Listener, StackConfig } from "./Config.ts"
import { recordsOf } from "./leftovers.ts"
import { reported, tell } from "./progress.ts"
import type { Secrets } from "./Secrets.ts"
import type { Supervisor } from "./Supervisor.ts"

/** Where the servers are. */
export interface Backing {
  /** As a role that may make databases and roles. */
  readonly postgres: Redacted.Redacted<string>
  readonly redis: Redacted.Redacted<string>
  readonly nats: Redacted.Redacted<string>
  readonly smtp: Redacted.Redacted<string>
  /** Where the mails end as files; none where they go to a given server. */
  readonly mailDir: Option.Option<string>
}

type Start = (options: ServerOptions) => Effect.Effect<RunningServer, ServerFailed, Scope.Scope | FileSystem.FileSystem>

/** Starts our own servers at the same time, under the supervisor; returns when all are ready. */
export const start = Effect.fnUntraced(function* (
  config: StackConfig,
  secrets: Secrets,
  supervisor: Supervisor,
): Effect.fn.Return<Backing, ServerFailed, Scope.Scope | FileSystem.FileSystem> {
  const context = yield* Effect.context<FileSystem.FileSystem>()
  const password = secrets.POSTGRES_PASSWORD
  const begun = (starting: ReturnType<Start>) =>
    starting.pipe(
      Effect.provideService(Notices, (line) => tell(`  ${line}`)),
      Effect.provide(context),
    )

  const own = (name: Listener & ("postgres" | "redis" | "nats"), begin: Start) => {
    const given = config.given[name]
    if (Option.isSome(given)) return Effect.as(tell(`✓ ${name}: the given one`), given.value)
    const port = config.ports[name]
    return supervisor.run(name, begun(begin(serverOptions(config, name, port)))).pipe(
      reported(({ server, version }) => `${server} ${version} ready on ${port}`),
      Effect.map(({ url }) => url),
    )
  }

  const [postgres, redis, nats, mail] = yield* Effect.all(
    [
      own("postgres", (options) => PostgresServer.start({ ...options, password })),
      own("redis", RedisServer.start),
      own("nats", NatsServer.start),
      mails(config),
    ],
    { concurrency: "unbounded" },
  )
  return { postgres, redis, nats, ...mail }
})

const mails = (config: StackConfig): Effect.Effect<Pick<Backing, "smtp" | "mailDir">, ServerFailed, Scope.Scope> => {
  if (Option.isSome(config.given.smtp)) {
    return Effect.as(tell("✓ mail: the given server"), { smtp: config.given.smtp.value, mailDir: Option.none() })
  }
  return MailSink.start({ dir: join(config.dir, "mail"), port: config.ports.smtp }).pipe(
    reported(() => `Mail sink ready on ${config.ports.smtp}`),
    Effect.map(({ url, dir }) => ({ smtp: Redacted.make(url), mailDir: Option.some(dir) })),
  )
}

const serverOptions = (config: StackConfig, name: string, port: number): ServerOptions => ({
  dir: join(config.dir, name),
  port,
  durable: config.durable,
  tools: toolsFolder,
  log: join(config.dir, "logs", `${name}.log`),
  record: join(recordsOf(config.dir), `${name}.pid.json`),
})
