/**
 * One unary gRPC hop: CPU of client and server per call, each in a process of its own. Ours with all that the mesh
 * promises (identity, validation, deadline, trace); the others as their documentation shows them, with the same messages.
 */
import assert from "node:assert/strict"
import { type Contestant, compare, type Program, portOf, start } from "./harness.ts"
import { local } from "./stage.ts"

const concurrency = 16
/** So many that it hardly counts what a program must do after a rest, in which Node gives memory back. */
const callsPerRound = 3000
/** Node compiles a busy program anew until it has served some fifty thousand calls; a service serves more in its life. */
const warmUpRounds = 20
/** How many rounds a set of processes plays. */
const roundsPerSet = 24

const columns = ["client µs", "server µs", "both µs", "calls/s"] as const
type Column = (typeof columns)[number]

/** A contestant's two programs, which change from set to set. */
interface Cast {
  readonly client: Program
  readonly server: Program
}

const contestant = (name: string, cast: () => Cast | undefined): Contestant<Column> => ({
  name,
  round: async () => {
    const { client, server } = cast() ?? assert.fail(`${name} was not started`)
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

const programs = [
  { name: "kit", program: "kit", args: ["1"] },
  { name: unsampled, program: "kit", args: ["0"] },
  { name: "connect-node", program: "connect-node", args: [] },
  { name: "grpc-js", program: "grpc-js", args: [] },
] as const

/** Runs the bench; everything that it starts is stopped at its end. */
export const run = async (rounds: number): Promise<void> => {
  const casts = new Map<string, Cast>()
  const stop = async () => {
    await Promise.all([...casts.values()].flatMap(({ client, server }) => [client.stop(), server.stop()]))
    casts.clear()
  }
  const begin = async ({ name, program, args }: (typeof programs)[number]) => {
    const server = await start(`test/bench/hop/${program}-server.ts`)
    try {
      const client = await start(`test/bench/hop/${program}-client.ts`, { args: [local(portOf(server)), ...args] })
      casts.set(name, { client, server })
    } catch (error) {
      await server.stop()
      throw error
    }
  }
  try {
    await compare({
      bench: "hop",
      unit: "µs of CPU per call, client and server",
      rounds,
      warmUpRounds,
      renewal: {
        afterRounds: roundsPerSet,
        renew: async () => {
          await stop()
          for (const each of programs) await begin(each)
        },
      },
      columns,
      by: "both µs",
      ours: "kit",
      further: { "grpc-js-unsampled": { of: unsampled, to: "grpc-js" } },
      contestants: programs.map(({ name }) => contestant(name, () => casts.get(name))),
    })
  } finally {
    await stop()
  }
}
