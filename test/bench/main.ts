/** `npm run bench -- NAME`: measures ours against others in one run. */
import { parseArgs } from "node:util"

const benches = {
  hop: {
    about: "one unary gRPC hop: the kit, with and without sampled traces, against connect-node and @grpc/grpc-js",
    // One round says little: what else a machine does, and when memory is collected, makes a third of the difference.
    rounds: 48,
    run: async (rounds: number) => (await import("./hop.ts")).run(rounds),
  },
  claims: {
    about: "one uncached claims request: the identity service against a bare node:http server with pg",
    rounds: 9,
    run: async (rounds: number) => (await import("./claims.ts")).run(rounds),
  },
  login: {
    about: "logins by password against verifying passwords alone, and how long tokens take to verify beside them",
    rounds: 9,
    run: async (rounds: number) => (await import("./login.ts")).run(rounds),
  },
  rest: {
    about: "one REST request: transcoded, authenticated, validated and traced, against a bare node:http server",
    rounds: 20,
    run: async (rounds: number) => (await import("./rest.ts")).run(rounds),
  },
  proxy: {
    about: "one proxied request: the proxy with all policies against bare undici, http-proxy-3 and @fastify/http-proxy",
    rounds: 9,
    run: async (rounds: number) => (await import("./proxy.ts")).run(rounds),
  },
} as const

const usage = `Usage: npm run bench -- NAME [--rounds N]

${Object.entries(benches)
  .map(([name, { about }]) => `  ${name.padEnd(8)}${about}`)
  .join("\n")}

Prints a table of medians over interleaved rounds (9 to 48 unless said), and as its last line
RESULT {"bench","unit","ours","ratios":{peer: ours/peer}}; below 1 ours is better.
`

const isBench = (name: string): name is keyof typeof benches => Object.hasOwn(benches, name)

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" }, rounds: { type: "string" } },
  })
  const [name, ...more] = positionals
  if (values.help === true) {
    process.stdout.write(usage)
    return 0
  }
  if (name === undefined || more.length > 0 || !isBench(name)) {
    process.stderr.write(name === undefined || isBench(name) ? usage : `There is no bench "${name}".\n\n${usage}`)
    return 2
  }
  const rounds = Number(values.rounds ?? benches[name].rounds)
  if (!Number.isInteger(rounds) || rounds < 1) {
    process.stderr.write(usage)
    return 2
  }
  await benches[name].run(rounds)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
