/** A NATS server of our own with JetStream on the loopback address. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { natsServer } from "./Binaries.ts"
import { answers } from "./probe.ts"
import type { RunningServer, ServerOptions } from "./RunningServer.ts"
import { orServerFailed, type ServerFailed } from "./ServerFailed.ts"
import { launch, readyWhen } from "./ServerProcess.ts"

const server = "NATS"

/** Starts NATS with JetStream's files in `dir`, and returns when it takes messages. Its streams are as durable as declared. */
export const start = Effect.fnUntraced(function* (
  options: ServerOptions,
): Effect.fn.Return<RunningServer, ServerFailed, Scope.Scope | FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const binary = yield* orServerFailed(server, "be started")(natsServer(options.tools))
  yield* orServerFailed(server, "prepare its folder")(files.makeDirectory(options.dir, { recursive: true }))
  const process = yield* launch({
    server,
    command: binary.command,
    args: ["--addr", "127.0.0.1", "--port", String(options.port), "--jetstream", "--store_dir", options.dir],
    env: binary.env,
    cwd: options.dir,
    log: options.log,
    record: options.record,
    stopSignal: "SIGINT",
  })
  yield* readyWhen(process, answers(options.port, 'CONNECT {"verbose":false}\r\nPING\r\n', "PONG"))
  return { server, version: binary.version, url: Redacted.make(`nats://127.0.0.1:${options.port}`), process }
})
