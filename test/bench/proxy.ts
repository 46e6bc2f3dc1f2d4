/**
 * One proxied request, as a customer's server sends it: CPU of the proxy and of its client, for ours with every policy on
 * (key, application, rate, identity, metering to a real NATS, Redis, its verdict from a real control plane) and for proxies
 * that only pass on. Each proxy is a process of its own; instance and client are the same for all.
 */
import { generateKeyPairSync } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { Pool } from "undici"
import { makeToken } from "#shared/crypto/Token.ts"
import { shortId } from "#shared/ids/Id.ts"
import * as NatsServer from "#shared/servers/NatsServer.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import * as RedisServer from "#shared/servers/RedisServer.ts"
import { toolsFolder } from "#shared/servers/tools.ts"
import { type Contestant, compare, type Program, portOf, start } from "./harness.ts"
import { repeat } from "./repeat.ts"

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
  const pool = new Pool(origin, { connections: concurrency, pipelining: 1 })
  const headers = {
    authorization: `Bearer ${key}`,
    accept: "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": "bench/1.0",
  }
  const withBody = { ...headers, "content-type": "application/json" }
  let count = 0
  const request = async () => {
    const answer =
      count++ % 2 === 0
        ? await pool.request({ method: "POST", path: `${prefix}/auth/signin`, headers: withBody, body })
        : await pool.request({ method: "GET", path: `${prefix}/session?expand=user`, headers })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${name} answered ${answer.statusCode}: ${text}`)
  }
  return {
    name,
    round: async () => {
      const [ourCpu, itsCpu, began] = [process.cpuUsage(), await program.cpu(), performance.now()]
      await repeat(requestsPerRound, concurrency, request)
      const seconds = (performance.now() - began) / 1000
      const { user, system } = process.cpuUsage(ourCpu)
      const client = (user + system) / requestsPerRound
      const proxy = ((await program.cpu()) - itsCpu) / requestsPerRound
      return {
        "proxy µs": proxy,
        "client µs": client,
        "both µs": proxy + client,
        "requests/s": requestsPerRound / seconds,
      }
    },
  }
}

const local = (port: number) => `http://127.0.0.1:${port}`

/** Runs the bench; everything that it starts is stopped at its end. */
export const run = async (rounds: number): Promise<void> => {
  const scope = Scope.makeUnsafe()
  const folder = await mkdtemp(join(tmpdir(), "authsome-bench-"))
  const programs: Array<Program> = []
  const begin = async (...parameters: Parameters<typeof start>) => {
    const program = await start(...parameters)
    programs.push(program)
    return program
  }
  try {
    const backing = await Effect.runPromise(
      servers(folder).pipe(Scope.provide(scope), Effect.provide(NodeFileSystem.layer)),
    )
    const applicationId = await Effect.runPromise(shortId("app", 10))
    const key = Redacted.value(await Effect.runPromise(makeToken(`sk_live_${applicationId.slice(4)}_`)))
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
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(folder, { recursive: true, force: true })
  }
}

const servers = Effect.fnUntraced(function* (folder: string) {
  const [redisPort = 0, natsPort = 0, http = 0, grpc = 0] = yield* freePorts(4)
  const options = (name: string, port: number) => ({
    ...{ dir: join(folder, name), port, durable: false, tools: toolsFolder },
    ...{ log: join(folder, `${name}.log`), record: join(folder, `${name}.pid.json`) },
  })
  const redis = yield* RedisServer.start(options("redis", redisPort))
  const nats = yield* NatsServer.start(options("nats", natsPort))
  return { redis: Redacted.value(redis.url), nats: Redacted.value(nats.url), http, grpc }
})
