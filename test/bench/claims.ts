/**
 * One claims request that reads the database, as Zitadel's action sends it: ours with everything on (key, policy, deadline,
 * metrics, a log line for each) against a bare node:http server that does the same read. Each is a process of its own;
 * database and client are the same for both.
 */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as DatabaseStore from "#shared/servers/DatabaseStore.ts"
import { type Contestant, compare, type Program, portOf } from "./harness.ts"
import { client, costOf } from "./load.ts"
import { local, novaIdentity, onStage } from "./stage.ts"

const concurrency = 32
const requestsPerRound = 4000
const people = 1000
const key = "zitadel-key-of-the-bench"

const columns = ["µs", "server µs", "client µs", "requests/s"] as const
type Column = (typeof columns)[number]

const asking = (origin: string) => {
  const ask = client(origin, concurrency)
  const headers = { "x-internal-api-key": key, "content-type": "application/json", accept: "application/json" }
  return (id: string) => ask({ method: "GET", path: `/internal/zitadel/user-claims/${id}`, headers })
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
      const cost = await costOf(program, { requests: requestsPerRound, concurrency }, () =>
        claims(ids[count++ % ids.length] ?? ""),
      )
      return {
        µs: cost.elapsed,
        "server µs": cost.server,
        "client µs": cost.client,
        "requests/s": 1e6 / cost.elapsed,
      }
    },
  }
}

/** Runs the bench; everything that it starts is stopped at its end. */
export const run = (rounds: number): Promise<void> =>
  onStage(async (stage) => {
    const ids: Array<string> = []
    const environment = { INTERNAL_API_KEY: key, INTERNAL_GRPC_API_KEY: "mesh-key-of-the-bench" }
    const { program, database, http } = await novaIdentity(stage, environment, (url) =>
      populated.pipe(
        Effect.map((made) => void ids.push(...made)),
        Effect.provide(DatabaseStore.connection(url)),
      ),
    )
    const bare = await stage.begin("test/bench/claims/bare.ts", { args: [database, key] })
    const [askOurs, askBare] = [asking(local(http)), asking(local(portOf(bare)))]
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
      contestants: [contestant("identity", program, askOurs, ids), contestant("node:http and pg", bare, askBare, ids)],
    })
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
