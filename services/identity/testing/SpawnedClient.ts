/** The program as a process of its own, for tests that kill it. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import { Backing } from "#shared/testing/Backing.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { meshKey } from "./TestIdentity.ts"

const main = join(import.meta.dirname, "..", "main.ts")

/** A process over the database of the test, ready, and a client of it; killed with the scope if it still runs then. */
export const spawned = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>>) {
  const { url } = yield* TestDatabase
  const { nats } = yield* Backing
  const [httpPort = 0, grpcPort = 0] = yield* freePorts(2)
  const env = {
    ...{ DATABASE_URL: Redacted.value(url), HTTP_PORT: String(httpPort), SERVER_PORT: String(grpcPort) },
    ...(environment["IDENTITY_ROLE"] === "nova" ? { NATS_URL: nats } : {}),
    ...environment,
  }
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [main], { env, stdio: "ignore" })),
    (running) => Effect.sync(() => running.kill("SIGKILL")),
  )
  const ready = Effect.tryPromise(() => fetch(`http://127.0.0.1:${grpcPort}/ready`))
  yield* eventually(
    Effect.filterOrFail(ready, ({ ok }) => ok),
    "20 seconds",
  )
  const target = new URL(`http://127.0.0.1:${grpcPort}`)
  const channel = yield* Channel.make({ url: target, peer: "tests", internalKey: Redacted.make(meshKey) })
  return {
    httpPort,
    grpcPort,
    identity: Client.make(IdentityService, channel),
    /** Ends it as a crash would, and waits until it is gone. */
    kill: Effect.callback<void>((resume) => {
      if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
      child.once("exit", () => resume(Effect.void))
      child.kill("SIGKILL")
    }),
  }
})
