/** A PostgreSQL server of our own on the loopback address. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { built } from "./buildOnce.ts"
import { run } from "./Command.ts"
import { inherited } from "./environment.ts"
import { type PostgresBinaries, postgresBinaries } from "./PostgresBinaries.ts"
import { accepts, cleared, initialised, lent } from "./PostgresCluster.ts"
import type { RunningServer, ServerOptions } from "./RunningServer.ts"
import { orServerFailed, type ServerFailed } from "./ServerFailed.ts"
import { launch, readyWhen } from "./ServerProcess.ts"

const server = "PostgreSQL"

/** Asks for the fast stop: open sessions are ended, everything is written. SIGTERM would wait for the sessions. */
export const stopSignal: NodeJS.Signals = "SIGINT"

const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "300",
  shared_buffers: "64MB",
  jit: "off",
  log_checkpoints: "off",
  timezone: "UTC",
  log_timezone: "UTC",
}

/** Nothing outlives the run, so nothing has to reach the disk. */
const ephemeralSettings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_wal_size: "4GB" }

/**
 * Starts PostgreSQL on the data folder `<dir>/data`, made at the first start, and returns when it accepts connections as
 * superuser `postgres`. Durable: an answered commit is on the disk, and the password is the given one, which the folder
 * keeps. Ephemeral: the folder is a copy of one made once per machine, its password with it; nothing waits for the disk.
 */
export const start = Effect.fnUntraced(function* (
  options: ServerOptions & { readonly password: Redacted.Redacted<string> },
): Effect.fn.Return<RunningServer, ServerFailed, Scope.Scope | FileSystem.FileSystem> {
  const binaries = yield* orServerFailed(server, "find its programs")(postgresBinaries)
  const data = join(options.dir, "data")
  const password = yield* orServerFailed(
    server,
    "prepare its data folder",
  )(
    Effect.andThen(
      cleared(data),
      options.durable
        ? Effect.as(initialised(binaries, data, { password: options.password, sync: true }), options.password)
        : copyOfTemplate(binaries, data, options),
    ),
  )
  const process = yield* running(binaries, data, options)
  const url = Redacted.make(`postgres://postgres:${Redacted.value(password)}@127.0.0.1:${options.port}/postgres`)
  return { server, version: binaries.version, url, process }
})

/** initdb takes a second, a copy a tenth of that. Its password is in a file beside it that only we may read. */
const copyOfTemplate = Effect.fnUntraced(function* (
  binaries: PostgresBinaries,
  data: string,
  options: { readonly tools: string; readonly password: Redacted.Redacted<string> },
) {
  const files = yield* FileSystem.FileSystem
  const owner = binaries.user?.uid ?? process.getuid?.() ?? 0
  const template = join(options.tools, `postgres-template-${binaries.version}-${owner}`)
  const passwordFile = join(template, "password")
  yield* built(template, (half) =>
    files
      .writeFileString(join(half, "password"), Redacted.value(options.password), { mode: 0o600 })
      .pipe(Effect.andThen(initialised(binaries, join(half, "data"), { password: options.password, sync: false }))),
  )
  const env = yield* inherited(["PATH"])
  // cp keeps owners and modes, which PostgreSQL insists on.
  yield* built(data, (half) => run({ command: "cp", args: ["-Rp", `${join(template, "data")}/.`, half], env }))
  return Redacted.make(yield* files.readFileString(passwordFile))
})

/**
 * The sessions of a server that was killed end by themselves, but only when they notice; until then their shared memory
 * keeps a new server out.
 */
const running = (binaries: PostgresBinaries, data: string, options: ServerOptions) =>
  Effect.gen(function* () {
    const { path, descriptors } = yield* lent(binaries, data)
    const all = { ...settings, port: String(options.port), ...(options.durable ? {} : ephemeralSettings) }
    const process = yield* launch({
      server,
      command: binaries.postgres,
      args: ["-D", path(0), ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      env: { LC_ALL: "C", TZ: "UTC" },
      cwd: "/",
      log: options.log,
      record: options.record,
      user: binaries.user,
      descriptors,
      stopSignal,
      stopWithin: "20 seconds",
    })
    yield* readyWhen(process, accepts(data, process.pid), "60 seconds")
    return process
  }).pipe(
    Effect.retry({
      schedule: Schedule.spaced("200 millis"),
      times: 50,
      while: (failure) => failure.reason.includes("shared memory block"),
    }),
  )
