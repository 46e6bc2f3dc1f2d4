import { generateKeyPairSync } from "node:crypto"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { freePorts } from "#shared/servers/Ports.ts"
import { isOk } from "#shared/servers/probe.ts"
import { launch, readyWhen } from "#shared/servers/ServerProcess.ts"
import { temporaryFolder } from "#shared/testing/Backing.ts"
import { TestNats, TestRedisServer } from "#shared/testing/TestServers.ts"
import { meshKey, TestControlPlane } from "./testing/TestControlPlane.ts"
import { TestInstance } from "./testing/TestInstance.ts"
import * as TestProxy from "./testing/TestProxy.ts"

const identityKey = generateKeyPairSync("ed25519")
  .privateKey.export({ format: "der", type: "pkcs8" })
  .toString("base64")

/** The program as a process of its own; what `changes` names replaces the usual, and undefined takes it away. */
const start = Effect.fnUntraced(function* (changes: Readonly<Record<string, string | undefined>>) {
  const folder = yield* temporaryFolder
  const [http = 0, grpc = 0] = yield* freePorts(2)
  const environment = {
    REDIS_URL: Redacted.value((yield* TestRedisServer).url),
    NATS_URL: Redacted.value((yield* TestNats).url),
    CONTROL_PLANE_GRPC_URL: (yield* TestControlPlane).url.href,
    INTERNAL_GRPC_API_KEY: Redacted.value(meshKey),
    KEY_IDENTITY_PRIVATE_KEY: identityKey,
    SEALING_KEYS: `test:${Buffer.alloc(32, 1).toString("base64")}`,
    LISTEN_HOST: "127.0.0.1",
    HTTP_PORT: String(http),
    SERVER_PORT: String(grpc),
    ...changes,
  }
  const running = yield* launch({
    server: "proxy",
    command: process.execPath,
    args: [join(import.meta.dirname, "main.ts")],
    env: Object.fromEntries(
      Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    cwd: folder,
    log: join(folder, "proxy.log"),
    record: join(folder, "proxy.pid.json"),
  })
  const ready = readyWhen(running, isOk(`http://127.0.0.1:${grpc}/ready`))
  return { running, ready, url: `http://127.0.0.1:${http}` }
}, Effect.provide(NodeFileSystem.layer))

layer(TestProxy.worldLayer, { excludeTestServices: true })("the proxy process", (it) => {
  it.effect("serves, and ends well when it is told to", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const instance = yield* TestInstance
      const key = yield* controlPlane.application(instance.url)
      const { running, ready, url } = yield* start({})
      yield* ready
      const answer = yield* Effect.promise(() =>
        fetch(`${url}/v1/${key.route.applicationId}/session`, { headers: { "x-api-key": key.text } }),
      )
      expect([answer.status, answer.headers.get("x-authsome-region")]).toEqual([200, "local"])
      yield* running.signal("SIGTERM")
      expect(yield* running.ended).toEqual({ code: 0, signal: null })
    }),
  )

  it.effect("says in one sentence what is wrong with its configuration, without showing it", () =>
    Effect.gen(function* () {
      const wrong = [
        ["REDIS_URL", undefined, "is missing"],
        ["INTERNAL_GRPC_API_KEY", "hunter2", "is malformed"],
        ["SEALING_KEYS", undefined, "is missing"],
        ["SEALING_KEYS", "hunter2:hunter2", "is malformed"],
        ["KEY_IDENTITY_PRIVATE_KEY", "hunter2-hunter2-hunter2", "is malformed"],
        ["TRUSTED_HOPS", "-1", "is malformed"],
      ] as const
      const failures = yield* Effect.forEach(
        wrong,
        ([name, value]) => Effect.flatMap(start({ [name]: value }), ({ ready }) => Effect.flip(ready)),
        { concurrency: 2 },
      )
      for (const [index, [name, , what]] of wrong.entries()) {
        expect(failures[index]?.message).toContain(`proxy cannot start: ${name} ${what}`)
        expect(failures[index]?.message).not.toContain("hunter2")
      }
    }),
  )
})
