/** A server of a bench under the load of one client, which is the same for all contestants. */
import { Pool } from "undici"
import type { Program } from "./harness.ts"
import { repeat } from "./repeat.ts"

export interface Request {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Asks a server over as many connections as there may be requests at a time; any answer but 200 ends the bench. */
export const client = (origin: string, connections: number): ((request: Request) => Promise<string>) => {
  const pool = new Pool(origin, { connections, pipelining: 1 })
  return async (request) => {
    const answer = await pool.request(request)
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${origin} answered ${answer.statusCode}: ${text}`)
    return text
  }
}

/** Of one request: the time that passes and the CPU that it costs. Microseconds. */
export interface Cost {
  readonly elapsed: number
  readonly server: number
  readonly client: number
}

/** One round of requests, `concurrency` at a time. */
export const costOf = async (
  server: Program,
  load: { readonly requests: number; readonly concurrency: number },
  ask: () => Promise<unknown>,
): Promise<Cost> => {
  const [ourCpu, itsCpu, began] = [process.cpuUsage(), await server.cpu(), performance.now()]
  await repeat(load.requests, load.concurrency, ask)
  const elapsed = (performance.now() - began) * 1000
  const { user, system } = process.cpuUsage(ourCpu)
  const itsMicros = (await server.cpu()) - itsCpu
  return {
    elapsed: elapsed / load.requests,
    server: itsMicros / load.requests,
    client: (user + system) / load.requests,
  }
}
