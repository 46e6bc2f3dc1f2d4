/** The control plane as a process of its own, for tests that stop and kill it. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { freePorts } from "#shared/servers/Ports.ts"
import { isOk } from "#shared/servers/probe.ts"
import { launch, readyWhen } from "#shared/servers/ServerProcess.ts"
import { temporaryFolder } from "#shared/testing/Backing.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import { environment } from "./TestControlPlane.ts"

/** Starts the program; it goes, at the latest, with the scope. A variable that is changed to undefined is unset. */
export const start = Effect.fnUntraced(function* (changed: Readonly<Record<string, string | undefined>>) {
  const folder = yield* temporaryFolder
  const database = yield* TestDatabase
  const nats = yield* TestNats
  const [http = 0, grpc = 0] = yield* freePorts(2)
  const variables: Record<string, string | undefined> = {
    DATABASE_URL: Redacted.value(database.url),
    NATS_URL: Redacted.value(nats.url),
    HTTP_PORT: String(http),
    SERVER_PORT: String(grpc),
    ...environment,
    ...changed,
  }
  const env = Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  )
  const log = join(folder, "control-plane.log")
  const running = yield* launch({
    server: "control-plane",
    command: process.execPath,
    args: [join(import.meta.dirname, "..", "main.ts")],
    env,
    cwd: folder,
    log,
    record: join(folder, "control-plane.pid.json"),
  })
  return {
    process: running,
    ports: { httpPort: http, grpcPort: grpc },
    ready: readyWhen(running, isOk(`http://127.0.0.1:${grpc}/ready`)),
    /** All that it has written. */
    output: Effect.sync(() => readFileSync(log, "utf8")),
  }
}, Effect.provide(NodeFileSystem.layer))
