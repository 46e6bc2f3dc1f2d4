/** `npm run fuzz`: bad input by the thousand against the kit's server, over every protocol. */
import { parseArgs } from "node:util"
import { type Protocol, protocols } from "./Case.ts"
import { describeFound, type FuzzResult, fuzz } from "./run.ts"

const usage = `Usage: npm run fuzz [-- --requests N] [--seed N] [--protocol ${protocols.join("|")}|all]

Sends N (100000 unless said) mutated requests to a server of the kit in a process of its own, on loopback. Finds crashes,
hangs, defects (HTTP 500, gRPC INTERNAL, "a handler died"), growing memory and leaked sockets and timers. The same seed
(1 unless said) sends the same requests.

Ends with 0 and, as its last line, RESULT {"requests","seed","seconds","findings","heapGrowthBytes","rssGrowthBytes"};
or with 1 and the smallest request that shows the finding.
`

const isProtocol = (name: string): name is Protocol => protocols.some((known) => known === name)

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      requests: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
      protocol: { type: "string", default: "all" },
    },
  })
  if (values.help === true) {
    process.stdout.write(usage)
    return 0
  }
  const [requests, seed, name] = [Number(values.requests), Number(values.seed), values.protocol]
  if (!Number.isInteger(requests) || requests < 1 || !Number.isInteger(seed) || (name !== "all" && !isProtocol(name))) {
    process.stderr.write(usage)
    return 2
  }
  const result = await fuzz({ requests, seed, protocols: name === "all" ? protocols : [name], progress })
  progress(undefined)
  return report(result, requests, seed)
}

/** A line that counts up on a terminal; a line every tenth of the way elsewhere. */
const progress = (done: number | undefined): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${done === undefined ? "" : `${Math.floor(done * 100)} %`}`)
  else if (done !== undefined && Math.floor(done * 10) > tenths) {
    tenths = Math.floor(done * 10)
    process.stderr.write(`${tenths}0 %\n`)
  }
}
let tenths = 0

const report = ({ found, tallies, before, after, seconds }: FuzzResult, requests: number, seed: number): number => {
  const columns = ["sent", "ok", "refused", "closed", "unsent"] as const
  const rows = [["", ...columns], ...[...tallies].map(([name, of]) => [name, ...columns.map((key) => String(of[key]))])]
  for (const [name = "", ...cells] of rows) {
    process.stdout.write(`${name.padEnd(10)}${cells.map((cell) => cell.padStart(9)).join("")}\n`)
  }
  if (found !== undefined) {
    process.stdout.write(`\n${describeFound(found, seed)}\n`)
    return 1
  }
  const result = {
    requests,
    seed,
    seconds: Math.round(seconds),
    findings: 0,
    heapGrowthBytes: after.heap - before.heap,
    rssGrowthBytes: after.rss - before.rss,
  }
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
}
