/**
 * One REST request for a small resource: CPU of the server per request, for ours with all that a contract promises (bearer
 * token, permission on the resource, validation, a recorded trace, deadline, metrics) and for a bare node:http server that
 * sends the same bytes without looking at the request. Each is a process of its own; the client is the same for both.
 */
import assert from "node:assert/strict"
import { type Contestant, compare, type Program, portOf } from "./harness.ts"
import { client, costOf } from "./load.ts"
import { local, onStage } from "./stage.ts"

const concurrency = 16
const requestsPerRound = 4000

const columns = ["server µs", "client µs", "requests/s"] as const
type Column = (typeof columns)[number]

const path = "/probe/v1/items/itm_agq763sa75337nxfbwal4vct7a"
const headers = {
  authorization: "Bearer reader",
  accept: "application/json",
  "user-agent": "bench/1.0",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}

/** Asks a server for the item; answers with the body. */
const asking = (server: Program) => {
  const ask = client(local(portOf(server)), concurrency)
  return () => ask({ method: "GET", path, headers })
}

const contestant = (name: string, server: Program, ask: () => Promise<string>): Contestant<Column> => ({
  name,
  round: async () => {
    const cost = await costOf(server, { requests: requestsPerRound, concurrency }, ask)
    return { "server µs": cost.server, "client µs": cost.client, "requests/s": 1e6 / cost.elapsed }
  },
})

/** Runs the bench; everything that it starts is stopped at its end. */
export const run = (rounds: number): Promise<void> =>
  onStage(async ({ begin }) => {
    const kit = await begin("test/bench/rest/kit.ts")
    const askKit = asking(kit)
    const answer = await askKit()
    const bare = await begin("test/bench/rest/node-http.ts", { args: [answer] })
    const askBare = asking(bare)
    assert.equal(await askBare(), answer, "the two do not say the same")
    await compare({
      bench: "rest",
      unit: "µs of the server's CPU per request",
      rounds,
      columns,
      by: "server µs",
      ours: "kit",
      contestants: [contestant("kit", kit, askKit), contestant("node-http", bare, askBare)],
    })
  })
