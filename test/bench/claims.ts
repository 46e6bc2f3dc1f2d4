/**
 * One claims request that reads the database, as Zitadel's action sends it: ours with everything on (key, policy, deadline,
 * metrics, a log line for each) against a bare node:http server that does the same read. Each is a process of its own;
 * database and client are the same for both.
 */
import assert from "node:assert/strict"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { Pool } from "undici"
import { migrate } from "#shared/postgres/migrate.ts"
import * as DatabaseStore from "#shared/servers/DatabaseStore.ts"
import * as NatsServer from "#shared/servers/NatsServer.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import * as PostgresServer from "#shared/servers/PostgresServer.ts"
import { toolsFolder } from "#shared/servers/tools.ts"
import { type Contestant, compare, type Program, portOf, start } from "./harness.ts"
import { repeat } from "./repeat.ts"

const concurrency = 32
const requestsPerRound = 4000
const people = 1000
const key = "zitadel-key-of-the-bench"

const columns = ["µs", "server µs", "client µs", "requests/s"] as const
type Column = (typeof columns)[number]

const client = (origin: string) => {
  const pool = new Pool(origin, { connections: concurrency, pipelining: 1 })
  const headers = { "x-internal-api-key": key, "content-type": "application/json", accept: "application/json" }
  return async (id: string): Promise<string> => {
    const answer = await pool.request({ method: "GET", path: `/internal/zitadel/user-claims/${id}`, headers })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${origin} answered ${answer.statusCode}: ${text}`)
    return text
  }
}

/** A server under load: everybody's claims in turn. */
const contestant = (
  name: string,
  program: Program,
  claims: (id: string) => Promise<string>,
  ids: ReadonlyArray<string>,
): Contestant<Column> => {
  let count = 0
  return {
    name,
    round: async () => {
      const [ourCpu, itsCpu, began] = [process.cpuUsage(), await program.cpu(), performance.now()]
      await repeat(requestsPerRound, concurrency, () => claims(ids[count++ % ids.length] ?? ""))
      const micros = (performance.now() - began) * 1000
      const { user, system } = process.cpuUsage(ourCpu)
      return {
        µs: micros / requestsPerRound,
        "server µs": ((await program.cpu()) - itsCpu) / requestsPerRound,
        "client µs": (user + system) / requestsPerRound,
        "requests/s": requestsPerRound / (micros / 1e6),
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
    const { database, nats, http, grpc, ids } = await Effect.runPromise(
      servers(folder).pipe(Scope.provide(scope), Effect.provide(NodeFileSystem.layer)),
    )
    const ours = await begin("services/identity/main.ts", {
      env: {
        ...{ IDENTITY_ROLE: "nova", DATABASE_URL: database, NATS_URL: nats, INTERNAL_API_KEY: key },
        ...{ HTTP_PORT: String(http), SERVER_PORT: String(grpc), LISTEN_HOST: "127.0.0.1" },
        INTERNAL_GRPC_API_KEY: "mesh-key-of-the-bench",
        SEALING_KEYS: `bench:${Buffer.alloc(32, 7).toString("base64")}`,
      },
      isReady: async () => (await fetch(`${local(grpc)}/ready`)).ok,
    })
    const bare = await begin("test/bench/claims/bare.ts", { args: [database, key] })
    const [askOurs, askBare] = [client(local(http)), client(local(portOf(bare)))]
    for (const id of ids.slice(0, 4)) {
      assert.deepEqual(JSON.parse(await askOurs(id)), JSON.parse(await askBare(id)), "the two do not say the same")
    }
    await compare({
      bench: "claims",
      unit: `µs per request, ${concurrency} at a time; below 2 ours has more than half of the throughput`,
      rounds,
      columns,
      by: "µs",
      ours: "identity",
      contestants: [contestant("identity", ours, askOurs, ids), contestant("node:http and pg", bare, askBare, ids)],
    })
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(folder, { recursive: true, force: true })
  }
}

const servers = Effect.fnUntraced(function* (folder: string) {
  const [postgresPort = 0, natsPort = 0, http = 0, grpc = 0] = yield* freePorts(4)
  const options = (name: string, port: number) => ({
    ...{ dir: join(folder, name), port, durable: false, tools: toolsFolder },
    ...{ log: join(folder, `${name}.log`), record: join(folder, `${name}.pid.json`) },
  })
  const nats = yield* NatsServer.start(options("nats", natsPort))
  const { url } = yield* PostgresServer.start({
    ...options("postgres", postgresPort),
    password: Redacted.make("password-of-the-bench"),
  })
  yield* migrate({ url, directory: join(import.meta.dirname, "..", "..", "migrations", "identity") })
  const ids = yield* Effect.provide(populated, DatabaseStore.connection(url))
  return { database: Redacted.value(url), nats: Redacted.value(nats.url), http, grpc, ids }
})

/** People with full profiles; their ids. */
const populated = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly id: string }>`
    INSERT INTO users (id, username, email, email_verified, password_hash, display_name, avatar_url, first_name,
      last_name, bio, location, phone_number, phone_verified)
    SELECT gen_random_uuid(), 'person' || n, 'person' || n || '@example.com', n % 2 = 0, 'none', 'Person ' || n,
      'https://cdn.example.com/' || n || '.jpg', 'Person', 'The ' || n, 'One of many.', 'London', '+4420718' || 10000 + n,
      n % 3 = 0
    FROM generate_series(1, ${people}::int) AS n
    RETURNING id`
  return rows.map(({ id }) => id)
})
