/** A Redis server of our own on the loopback address. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { redisServer } from "./Binaries.ts"
import { answers } from "./probe.ts"
import type { RunningServer, ServerOptions } from "./RunningServer.ts"
import { orServerFailed, type ServerFailed } from "./ServerFailed.ts"
import { launch, readyWhen } from "./ServerProcess.ts"

const server = "Redis"

/** At most one second of writes is lost when the machine dies, none when only the process does. */
const durableSettings = ["--appendonly", "yes", "--appendfsync", "everysec"]
/** Many databases, so that every test file can have one to itself. */
const ephemeralSettings = ["--appendonly", "no", "--databases", "4096"]

/** Starts Redis with its files in `dir`, and returns when it answers. */
export const start = Effect.fnUntraced(function* (
  options: ServerOptions,
): Effect.fn.Return<RunningServer, ServerFailed, Scope.Scope | FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const binary = yield* orServerFailed(server, "be started")(redisServer(options.tools))
  yield* orServerFailed(server, "prepare its folder")(files.makeDirectory(options.dir, { recursive: true }))
  const process = yield* launch({
    server,
    command: binary.command,
    args: [
      ...["--bind", "127.0.0.1", "--port", String(options.port), "--dir", options.dir, "--save", ""],
      ...(options.durable ? durableSettings : ephemeralSettings),
    ],
    env: binary.env,
    cwd: options.dir,
    log: options.log,
    record: options.record,
  })
  yield* readyWhen(process, answers(options.port, "PING\r\n", "+PONG"))
  return { server, version: binary.version, url: Redacted.make(`redis://127.0.0.1:${options.port}`), process }
})
