/**
 * Logins by password, and what they do to everybody else: logins per second of the identity service, against a process
 * that only verifies passwords; and how long the verification of a token takes beside them, against a service at rest. The
 * service has all that it has in production: policy, lock-out, session, audit row and event over a real PostgreSQL.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { migrate } from "#shared/postgres/migrate.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as NatsServer from "#shared/servers/NatsServer.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import * as PostgresServer from "#shared/servers/PostgresServer.ts"
import { toolsFolder } from "#shared/servers/tools.ts"
import { median, type Program, print, rounded, start } from "./harness.ts"
import { repeat } from "./repeat.ts"

const people = 16
const concurrency = 16
const loginsPerRound = 250
/** Tokens are verified at this pace, whatever else happens. */
const probeMillis = 40
const probesAtRest = 75
const password = "correct horse battery staple"
const meshKey = "mesh-key-of-the-bench"

const local = (port: number) => `http://127.0.0.1:${port}`

/** Sends verifications at their pace until told to end; how long each took, in milliseconds. */
const probe = async (verify: () => Promise<unknown>, isOver: () => boolean): Promise<ReadonlyArray<number>> => {
  const taken: Array<Promise<number>> = []
  while (!isOver()) {
    const began = performance.now()
    taken.push(verify().then(() => performance.now() - began))
    await new Promise((resolve) => setTimeout(resolve, probeMillis))
  }
  return Promise.all(taken)
}

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

const perSecond = async (count: number, work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return (count * 1000) / (performance.now() - began)
}

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
    const { database, nats, http, grpc } = await Effect.runPromise(
      servers(folder).pipe(Scope.provide(scope), Effect.provide(NodeFileSystem.layer)),
    )
    await begin("services/identity/main.ts", {
      env: {
        ...{ IDENTITY_ROLE: "nova", DATABASE_URL: database, NATS_URL: nats, INTERNAL_GRPC_API_KEY: meshKey },
        ...{ HTTP_PORT: String(http), SERVER_PORT: String(grpc), LISTEN_HOST: "127.0.0.1", LOG_LEVEL: "error" },
        SEALING_KEYS: `bench:${Buffer.alloc(32, 7).toString("base64")}`,
      },
      isReady: async () => (await fetch(`${local(grpc)}/ready`)).ok,
    })
    const hashOnly = await begin("test/bench/login/hash-only.ts")
    const target = { url: new URL(local(grpc)), peer: "bench", internalKey: Redacted.make(meshKey) }
    const identity = Client.make(
      IdentityService,
      await Effect.runPromise(Channel.make(target).pipe(Scope.provide(scope))),
    )
    let token = ""
    for (let person = 0; person < people; person++) {
      const account = { username: `person${person}`, email: `person${person}@example.com`, password }
      const { tokens } = await Effect.runPromise(identity.register(account))
      token = tokens?.accessToken ?? ""
    }
    let count = 0
    const login = () =>
      Effect.runPromise(identity.login({ identifier: `person${count++ % people}@example.com`, password }))
    const verify = async () => {
      const { valid } = await Effect.runPromise(identity.verifyToken({ token }))
      if (!valid) throw new Error("the token is not valid")
    }

    const measured = { logins: [] as Array<number>, hashes: [] as Array<number> }
    const latencies = { loaded: [] as Array<number>, atRest: [] as Array<number> }
    for (let round = -1; round < rounds; round++) {
      let over = false
      const probing = probe(verify, () => over)
      const logins = await perSecond(loginsPerRound, () => repeat(loginsPerRound, concurrency, login))
      over = true
      const loaded = await probing
      let left = probesAtRest
      const atRest = await probe(verify, () => left-- === 0)
      const hashes = await perSecond(loginsPerRound, () => hashOnly.ask({ count: loginsPerRound, concurrency }))
      if (round < 0) continue
      measured.logins.push(logins)
      measured.hashes.push(hashes)
      latencies.loaded.push(...loaded)
      latencies.atRest.push(...atRest)
    }
    report(rounds, measured, latencies)
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(folder, { recursive: true, force: true })
  }
}

const report = (
  rounds: number,
  measured: Readonly<Record<"logins" | "hashes", ReadonlyArray<number>>>,
  latencies: Readonly<Record<"loaded" | "atRest", ReadonlyArray<number>>>,
): void => {
  const [logins, hashes] = [median(measured.logins), median(measured.hashes)]
  const p99 = { loaded: percentile(latencies.loaded, 0.99), atRest: percentile(latencies.atRest, 0.99) }
  const times = (all: ReadonlyArray<number>) => [0.5, 0.95, 0.99].map((share) => percentile(all, share).toFixed(2))
  print([
    ["", "per second", "verify p50 ms", "p95", "p99"],
    ["login", logins.toFixed(1), ...times(latencies.loaded)],
    ["hash-only", hashes.toFixed(1), "", "", ""],
    ["at rest", "", ...times(latencies.atRest)],
  ])
  const result = {
    bench: "login",
    unit: "logins per second, so a ratio to hash-only near 1 is good; verify p99 beside logins as times of that at rest",
    ours: rounded(logins, 1),
    ratios: {
      "hash-only": rounded(logins / hashes, 3),
      "verify p99 beside logins/at rest": rounded(p99.loaded / p99.atRest, 3),
    },
    rounds,
    medians: {
      login: { "per second": rounded(logins, 1), "verify p99 ms": rounded(p99.loaded, 2) },
      "hash-only": { "per second": rounded(hashes, 1) },
      "at rest": { "verify p99 ms": rounded(p99.atRest, 2) },
    },
  }
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`)
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
  return { database: Redacted.value(url), nats: Redacted.value(nats.url), http, grpc }
})
