/**
 * One proxied request, as a customer's server sends it: CPU of the proxy and of its client, for ours with every policy on
 * (key, application, rate, identity, metering to a real NATS, Redis, its verdict from a real control plane) and for proxies
 * that only pass on. Each proxy is a process of its own; instance and client are the same for all.
 */
import { generateKeyPairSync } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { makeToken } from "#shared/crypto/Token.ts"
import { shortId } from "#shared/ids/Id.ts"
import * as NatsServer from "#shared/servers/NatsServer.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import * as RedisServer from "#shared/servers/RedisServer.ts"
import { type Contestant, compare, type Program, portOf } from "./harness.ts"
import { client, costOf } from "./load.ts"
import { local, onStage, type Stage } from "./stage.ts"

const concurrency = 32
const requestsPerRound = 4000

const columns = ["proxy µs", "client µs", "both µs", "requests/s"] as const
type Column = (typeof columns)[number]

const body = JSON.stringify({ email: "ada@example.com", password: "correct horse battery staple", remember: true })

/** A proxy under load: half of the requests carry a body, half do not. */
const contestant = (
  name: string,
  program: Program,
  origin: string,
  prefix: string,
  key: string,
): Contestant<Column> => {
  const ask = client(origin, concurrency)
  const headers = {
    authorization: `Bearer ${key}`,
    accept: "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": "bench/1.0",
  }
  const withBody = { ...headers, "content-type": "application/json" }
  let count = 0
  const request = () =>
    count++ % 2 === 0
      ? ask({ method: "POST", path: `${prefix}/auth/signin`, headers: withBody, body })
      : ask({ method: "GET", path: `${prefix}/session?expand=user`, headers })
  return {
    name,
    round: async () => {
      const cost = await costOf(program, { requests: requestsPerRound, concurrency }, request)
      return {
        "proxy µs": cost.server,
        "client µs": cost.client,
        "both µs": cost.server + cost.client,
        "requests/s": 1e6 / cost.elapsed,
      }
    },
  }
}

/** Runs the bench; everything that it starts is stopped at its end. */
export const run = (rounds: number): Promise<void> =>
  onStage(async (stage) => {
    const { begin, run } = stage
    const backing = await run(servers(stage))
    const applicationId = await run(shortId("app", 10))
    const key = Redacted.value(await run(makeToken(`sk_live_${applicationId.slice(4)}_`)))
    const instance = local(portOf(await begin("test/bench/proxy/instance.ts")))
    const meshKey = "mesh-key-of-the-bench"
    const routing = await begin("test/bench/proxy/routing.ts", { args: [instance, applicationId, meshKey] })
    const { http, grpc } = backing
    const ours = await begin("services/proxy/main.ts", {
      env: {
        ...{ REDIS_URL: backing.redis, NATS_URL: backing.nats, CONTROL_PLANE_GRPC_URL: local(portOf(routing)) },
        ...{ HTTP_PORT: String(http), SERVER_PORT: String(grpc), LISTEN_HOST: "127.0.0.1", LOG_LEVEL: "warn" },
        INTERNAL_GRPC_API_KEY: meshKey,
        SEALING_KEYS: `bench:${Buffer.alloc(32, 1).toString("base64")}`,
        KEY_IDENTITY_PRIVATE_KEY: generateKeyPairSync("ed25519")
          .privateKey.export({ format: "der", type: "pkcs8" })
          .toString("base64"),
      },
      isReady: async () => (await fetch(`${local(grpc)}/ready`)).ok,
    })
    const peers = []
    for (const [name, file] of [
      ["undici pass-through", "undici"],
      ["http-proxy-3", "http-proxy-3"],
      ["@fastify/http-proxy", "fastify"],
    ] as const) {
      const peer = await begin(`test/bench/proxy/${file}.ts`, { args: [instance] })
      peers.push(contestant(name, peer, local(portOf(peer)), "", key))
    }
    await compare({
      bench: "proxy",
      unit: "µs of CPU per request, proxy and client",
      rounds,
      columns,
      by: "both µs",
      ours: "proxy",
      contestants: [contestant("proxy", ours, local(http), `/v1/${applicationId}`, key), ...peers],
    })
  })

const servers = Effect.fnUntraced(function* ({ options }: Stage) {
  const [redisPort = 0, natsPort = 0, http = 0, grpc = 0] = yield* freePorts(4)
  const redis = yield* RedisServer.start(options("redis", redisPort))
  const nats = yield* NatsServer.start(options("nats", natsPort))
  return { redis: Redacted.value(redis.url), nats: Redacted.value(nats.url), http, grpc }
})
