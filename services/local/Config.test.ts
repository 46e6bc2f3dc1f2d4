import { createServer } from "node:net"
import { assert, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { listeners, portsFree, stackConfig } from "./Config.ts"

const from = (env: Record<string, string>) =>
  Effect.provideService(stackConfig, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

const listening = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer()
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void))),
  )

it.live("every port has the documented default, and can be set by its variable", () =>
  Effect.gen(function* () {
    const { ports } = yield* from({ PROXY_HTTP_PORT: "18082" })
    assert.strictEqual(ports.proxyHttp, 18_082)
    assert.strictEqual(ports.controlPlaneHttp, 8080)
    assert.strictEqual(ports.billingGrpc, 9084)
    assert.strictEqual(ports.postgres, 54_320)
  }),
)

it.live("PORTS=auto takes free ports for all that are not set", () =>
  Effect.gen(function* () {
    const config = yield* from({ PORTS: "auto", REDIS_PORT: "16379" })
    assert.strictEqual(config.ports.redis, 16_379)
    assert.strictEqual(new Set(Object.values(config.ports)).size, Object.keys(listeners).length)
    assert.notStrictEqual(config.ports.controlPlaneHttp, 8080)
    yield* portsFree(config)
  }),
)

it.live("a taken port is named, with whose it is and what to set", () =>
  Effect.gen(function* () {
    const config = yield* from({ PORTS: "auto" })
    yield* listening(config.ports.nats)
    const failure = yield* Effect.flip(portsFree(config))
    assert.strictEqual(
      failure.message,
      `Port ${config.ports.nats} for NATS is taken; set NATS_PORT to a free port, or PORTS=auto for free ports everywhere`,
    )
  }),
)

it.live("the port of a server that is given may be taken", () =>
  Effect.gen(function* () {
    const config = yield* from({ PORTS: "auto", NATS_URL: "nats://elsewhere:4222" })
    yield* listening(config.ports.nats)
    yield* portsFree(config)
  }),
)

it.live("one port for two is refused with both variables", () =>
  Effect.gen(function* () {
    const failure = yield* Effect.flip(from({ REDIS_PORT: "8080" }))
    assert.strictEqual(
      failure.message,
      "CONTROL_PLANE_HTTP_PORT and REDIS_PORT are both 8080; give each a port of its own",
    )
  }),
)
