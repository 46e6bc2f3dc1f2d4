/**
 * Logins by password, and what they do to everybody else: logins per second of the identity service, against a process
 * that only verifies passwords; and how long the verification of a token takes beside them, against a service at rest. The
 * service has all that it has in production: policy, lock-out, session, audit row and event over a real PostgreSQL.
 */
import { setTimeout } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { median, print, rounded } from "./harness.ts"
import { repeat } from "./repeat.ts"
import { local, novaIdentity, onStage } from "./stage.ts"

const people = 16
const concurrency = 16
const loginsPerRound = 250
/** Tokens are verified at this pace, whatever else happens. */
const probeMillis = 40
const probesAtRest = 75
/** So long after the logins: the first of them come in one instant, as the bench alone would have it. */
const settlingMillis = 300
const password = "correct horse battery staple"
const meshKey = "mesh-key-of-the-bench"

/** Sends verifications at their pace until told to end; how long each took, in milliseconds. */
const probe = async (verify: () => Promise<unknown>, isOver: () => boolean): Promise<ReadonlyArray<number>> => {
  const taken: Array<Promise<number>> = []
  while (!isOver()) {
    const began = performance.now()
    taken.push(verify().then(() => performance.now() - began))
    await setTimeout(probeMillis)
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
export const run = (rounds: number): Promise<void> =>
  onStage(async (stage) => {
    const { grpc } = await novaIdentity(stage, { INTERNAL_GRPC_API_KEY: meshKey, LOG_LEVEL: "error" })
    const hashOnly = await stage.begin("test/bench/login/hash-only.ts")
    const target = { url: new URL(local(grpc)), peer: "bench", internalKey: Redacted.make(meshKey) }
    const identity = Client.make(IdentityService, await stage.run(Channel.make(target)))
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
      const probing = setTimeout(settlingMillis).then(() => probe(verify, () => over))
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
  })

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
