/**
 * One REST request for a small resource: CPU of the server per request, for ours with all that a contract promises (bearer
 * token, permission on the resource, validation, a recorded trace, deadline, metrics) and for a bare node:http server that
 * sends the same bytes without looking at the request. Each is a process of its own; the client is the same for both.
 */
import assert from "node:assert/strict"
import { Pool } from "undici"
import { type Contestant, compare, type Program, portOf, start } from "./harness.ts"
import { repeat } from "./repeat.ts"

const concurrency = 16
const requestsPerRound = 2000

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
const client = (server: Program) => {
  const pool = new Pool(`http://127.0.0.1:${portOf(server)}`, { connections: concurrency, pipelining: 1 })
  return async (): Promise<string> => {
    const answer = await pool.request({ method: "GET", path, headers })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`the answer was ${answer.statusCode}: ${text}`)
    return text
  }
}

const contestant = (name: string, server: Program, ask: () => Promise<string>): Contestant<Column> => ({
  name,
  round: async () => {
    const [ourCpu, itsCpu, began] = [process.cpuUsage(), await server.cpu(), performance.now()]
    await repeat(requestsPerRound, concurrency, ask)
    const seconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(ourCpu)
    return {
      "server µs": ((await server.cpu()) - itsCpu) / requestsPerRound,
      "client µs": (user + system) / requestsPerRound,
      "requests/s": requestsPerRound / seconds,
    }
  },
})

/** Runs the bench; everything that it starts is stopped at its end. */
export const run = async (rounds: number): Promise<void> => {
  const programs: Array<Program> = []
  const begin = async (name: string, args: ReadonlyArray<string> = []) => {
    const program = await start(`test/bench/rest/${name}.ts`, { args })
    programs.push(program)
    return program
  }
  try {
    const kit = await begin("kit")
    const askKit = client(kit)
    const answer = await askKit()
    const bare = await begin("node-http", [answer])
    const askBare = client(bare)
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
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
  }
}
