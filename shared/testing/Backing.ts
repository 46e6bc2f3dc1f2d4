/**
 * The servers that all tests of a run share: started once before the first test by `globalSetup.ts`, in a folder for
 * temporary files and on ports of their own, so that runs do not meet each other or a running stack.
 */
import { readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import { randomBytes } from "../crypto/random.ts"
import { identify, isAlive, record, recorded, stopRecorded } from "../runtime/ProcessIdentity.ts"
import * as MailSink from "../servers/MailSink.ts"
import * as NatsServer from "../servers/NatsServer.ts"
import { freePorts } from "../servers/Ports.ts"
import * as PostgresServer from "../servers/PostgresServer.ts"
import * as RedisServer from "../servers/RedisServer.ts"
import type { ServerOptions } from "../servers/RunningServer.ts"
import { toolsFolder } from "../servers/tools.ts"

/** Where the servers of the run are. */
export interface BackingAddresses {
  /** As superuser, at the database `postgres`. */
  readonly postgres: string
  readonly redis: string
  readonly nats: string
  readonly smtp: string
  /** Where the mails end as files. */
  readonly mailDir: string
}

declare module "vitest" {
  interface ProvidedContext {
    readonly backing: BackingAddresses
  }
}

/** The servers of the run, for tests: PostgreSQL, Redis, NATS and mail. */
export class Backing extends Context.Service<Backing, BackingAddresses>()("shared/testing/Backing") {
  static readonly layer = Layer.sync(Backing, () => inject("backing"))
}

const prefix = "authsome-test-"
const ownerFile = "owner.json"
const recordsFolder = "run"

/** A folder for one run, or one test; what it holds goes with the scope. Servers of other users can look for theirs in it. */
export const temporaryFolder = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const folder = yield* Effect.acquireRelease(files.makeTempDirectory({ prefix }), (path) =>
    Effect.ignore(files.remove(path, { recursive: true, force: true })),
  )
  const owner = yield* Effect.flatMap(identify(process.pid), Effect.fromOption)
  yield* record(join(folder, ownerFile), owner)
  return folder
})

/** Options for a fast server that forgets everything. */
export const ephemeral = (folder: string, name: string, port: number): ServerOptions => ({
  dir: join(folder, name),
  port,
  durable: false,
  tools: toolsFolder,
  log: join(folder, "logs", `${name}.log`),
  record: join(folder, recordsFolder, `${name}.pid.json`),
})

/** Starts the servers of a run, after it has cleared away what a killed run left behind. */
export const started = Effect.gen(function* () {
  yield* swept
  const folder = yield* temporaryFolder
  const [postgresPort = 0, redisPort = 0, natsPort = 0, smtpPort = 0] = yield* freePorts(4)
  const password = Redacted.make(Buffer.from(yield* randomBytes(24)).toString("base64url"))
  const [postgres, redis, nats, mail] = yield* Effect.all(
    [
      PostgresServer.start({ ...ephemeral(folder, "postgres", postgresPort), password }),
      RedisServer.start(ephemeral(folder, "redis", redisPort)),
      NatsServer.start(ephemeral(folder, "nats", natsPort)),
      MailSink.start({ dir: join(folder, "mail"), port: smtpPort }),
    ],
    { concurrency: "unbounded" },
  )
  const backing: BackingAddresses = {
    postgres: Redacted.value(postgres.url),
    redis: Redacted.value(redis.url),
    nats: Redacted.value(nats.url),
    smtp: mail.url,
    mailDir: mail.dir,
  }
  return backing
})

/** Stops the servers and removes the folders of runs that were killed before they could. */
const swept = Effect.suspend(() => {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))
  return Effect.forEach(folders, (name) => sweptFolder(join(tmpdir(), name)), { discard: true })
})

const sweptFolder = Effect.fnUntraced(function* (folder: string) {
  const owner = yield* recorded(join(folder, ownerFile))
  // Without an owner the folder may be one that is being made at this moment.
  if (Option.isNone(owner) || (yield* isAlive(owner.value))) return
  const records = yield* Effect.try(() => readdirSync(join(folder, recordsFolder))).pipe(Effect.orElseSucceed(() => []))
  yield* Effect.forEach(
    records,
    (name) => stopRecorded(join(folder, recordsFolder, name), { signal: PostgresServer.stopSignal }),
    { concurrency: "unbounded", discard: true },
  )
  yield* Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
})
