/** What a bench starts, and what is stopped at its end. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { migrate } from "#shared/postgres/migrate.ts"
import * as NatsServer from "#shared/servers/NatsServer.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import * as PostgresServer from "#shared/servers/PostgresServer.ts"
import { toolsFolder } from "#shared/servers/tools.ts"
import { type Program, start } from "./harness.ts"

export const local = (port: number) => `http://127.0.0.1:${port}`

export interface Stage {
  /** Starts a program. */
  readonly begin: typeof start
  /** Starts what lives as long as its scope. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, Scope.Scope | FileSystem.FileSystem>) => Promise<A>
  /** Where and how a server of this name is started. */
  readonly options: (name: string, port: number) => Parameters<typeof NatsServer.start>[0]
}

/** Does the work with a folder, servers and programs of its own, none of which outlives it. */
export const onStage = async (work: (stage: Stage) => Promise<void>): Promise<void> => {
  const scope = Scope.makeUnsafe()
  const folder = await mkdtemp(join(tmpdir(), "authsome-bench-"))
  const programs: Array<Program> = []
  const stage: Stage = {
    begin: async (...parameters) => {
      const program = await start(...parameters)
      programs.push(program)
      return program
    },
    run: (effect) => Effect.runPromise(effect.pipe(Scope.provide(scope), Effect.provide(NodeFileSystem.layer))),
    options: (name, port) => ({
      ...{ dir: join(folder, name), port, durable: false, tools: toolsFolder },
      ...{ log: join(folder, `${name}.log`), record: join(folder, `${name}.pid.json`) },
    }),
  }
  try {
    await work(stage)
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(folder, { recursive: true, force: true })
  }
}

/** The identity service as Nova has it, over a database and a queue of its own. */
export const novaIdentity = async (
  { begin, run, options }: Stage,
  environment: Readonly<Record<string, string>>,
  prepare: (database: Redacted.Redacted<string>) => Effect.Effect<void, unknown> = () => Effect.void,
) => {
  const servers = Effect.gen(function* () {
    const [postgresPort = 0, natsPort = 0, http = 0, grpc = 0] = yield* freePorts(4)
    const nats = yield* NatsServer.start(options("nats", natsPort))
    const password = Redacted.make("password-of-the-bench")
    const { url } = yield* PostgresServer.start({ ...options("postgres", postgresPort), password })
    yield* migrate({ url, directory: join(import.meta.dirname, "..", "..", "migrations", "identity") })
    yield* prepare(url)
    return { database: Redacted.value(url), nats: Redacted.value(nats.url), http, grpc }
  })
  const { database, nats, http, grpc } = await run(servers)
  const program = await begin("services/identity/main.ts", {
    env: {
      ...{ IDENTITY_ROLE: "nova", DATABASE_URL: database, NATS_URL: nats, LISTEN_HOST: "127.0.0.1" },
      ...{ HTTP_PORT: String(http), SERVER_PORT: String(grpc) },
      SEALING_KEYS: `bench:${Buffer.alloc(32, 7).toString("base64")}`,
      ...environment,
    },
    isReady: async () => (await fetch(`${local(grpc)}/ready`)).ok,
  })
  return { program, database, http, grpc }
}
