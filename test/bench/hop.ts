/**
 * One unary gRPC hop: CPU of client and server per call, each in a process of its own. Ours with all that the mesh
 * promises (identity, validation, deadline, trace); the others as their documentation shows them, with the same messages.
 */
import { type Contestant, compare, type Program, portOf, start } from "./harness.ts"

const concurrency = 16
/** So many that it hardly counts what a program must do after a rest, in which Node gives memory back. */
const callsPerRound = 3000

const columns = ["client µs", "server µs", "both µs", "calls/s"] as const
type Column = (typeof columns)[number]

const contestant = (name: string, client: Program, server: Program): Contestant<Column> => ({
  name,
  round: async () => {
    const [clientCpu, serverCpu, began] = [await client.cpu(), await server.cpu(), performance.now()]
    await client.ask({ count: callsPerRound, concurrency })
    const seconds = (performance.now() - began) / 1000
    const clientMicros = ((await client.cpu()) - clientCpu) / callsPerRound
    const serverMicros = ((await server.cpu()) - serverCpu) / callsPerRound
    return {
      "client µs": clientMicros,
      "server µs": serverMicros,
      "both µs": clientMicros + serverMicros,
      "calls/s": callsPerRound / seconds,
    }
  },
})

const unsampled = "kit, trace not sampled"

const pairs = [
  { name: "kit", server: "kit", client: "kit", args: ["1"] },
  { name: unsampled, server: "kit", client: "kit", args: ["0"] },
  { name: "connect-node", server: "connect-node", client: "connect-node", args: [] },
  { name: "grpc-js", server: "grpc-js", client: "grpc-js", args: [] },
] as const

/** Runs the bench; everything that it starts is stopped at its end. */
export const run = async (rounds: number): Promise<void> => {
  const programs: Array<Program> = []
  const begin = async (name: string, args: ReadonlyArray<string>) => {
    const program = await start(`test/bench/hop/${name}.ts`, { args })
    programs.push(program)
    return program
  }
  try {
    const contestants = []
    for (const { name, server, client, args } of pairs) {
      const serving = await begin(`${server}-server`, [])
      const calling = await begin(`${client}-client`, [`http://127.0.0.1:${portOf(serving)}`, ...args])
      contestants.push(contestant(name, calling, serving))
    }
    await compare({
      bench: "hop",
      unit: "µs of CPU per call, client and server",
      rounds,
      columns,
      by: "both µs",
      ours: "kit",
      further: { "grpc-js-unsampled": { of: unsampled, to: "grpc-js" } },
      contestants,
    })
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
  }
}
