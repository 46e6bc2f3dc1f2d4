/** The billing program as a process of its own, for tests that kill it. */
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { freePorts } from "#shared/servers/Ports.ts"
import { isOk } from "#shared/servers/probe.ts"
import { launch, readyWhen } from "#shared/servers/ServerProcess.ts"
import { temporaryFolder } from "#shared/testing/Backing.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestRedis } from "#shared/testing/TestRedis.ts"

/** What the process lets programs of the mesh in with. */
export const internalKey = Redacted.make("a-key-of-the-mesh-for-tests")

/** Starts the program; it goes, at the latest, with the scope. What `environment` names replaces the usual. */
export const start = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>>) {
  const folder = yield* temporaryFolder
  const database = yield* TestDatabase
  const redis = yield* TestRedis
  const [http = 0, grpc = 0] = yield* freePorts(2)
  const running = yield* launch({
    server: "billing",
    command: process.execPath,
    args: [join(import.meta.dirname, "..", "main.ts")],
    env: {
      DATABASE_URL: Redacted.value(database.url),
      REDIS_URL: Redacted.value(redis.url),
      INTERNAL_GRPC_API_KEY: Redacted.value(internalKey),
      HTTP_PORT: String(http),
      SERVER_PORT: String(grpc),
      LISTEN_HOST: "127.0.0.1",
      ...environment,
    },
    cwd: folder,
    log: join(folder, "billing.log"),
    record: join(folder, "billing.pid.json"),
  })
  const url = `http://127.0.0.1:${grpc}`
  return {
    process: running,
    ready: readyWhen(running, isOk(`${url}/ready`)),
    mesh: new URL(url),
    outside: `http://127.0.0.1:${http}`,
    /** The lines of /metrics with this text. */
    metrics: (text: string) =>
      Effect.map(
        Effect.promise(() => fetch(`${url}/metrics`).then((answer) => answer.text())),
        (all) => all.split("\n").filter((line) => line.includes(text) && !line.startsWith("#")),
      ),
  }
}, Effect.provide(NodeFileSystem.layer))
