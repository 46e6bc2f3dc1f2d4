/** TCP ports of this machine: whether one is free, and free ones that no other process of ours is about to take. */
import { createServer } from "node:net"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Below what Linux hands out to outgoing connections (ip_local_port_range, 32768 and up), above the well-known ones. */
const first = 20_000
const blockSize = 40
const blocks = 300

/** So many ports are not to be had on this machine. */
export class NoFreePort extends Schema.TaggedError<NoFreePort>()("NoFreePort", { wanted: Schema.Int }) {
  override get message(): string {
    return `${this.wanted} free ports between ${first} and ${first + blocks * blockSize} were not to be had`
  }
}

/** Whether a server could listen there, on loopback as well as on all addresses. */
export const isFree = (port: number): Effect.Effect<boolean> =>
  Effect.map(Effect.all([listens(port, "127.0.0.1"), listens(port, undefined)]), (both) => both.every(Boolean))

let handedOut = 0

/**
 * `count` free ports. Each process searches from a block of its own on and never offers a port twice, so that neither two
 * stacks that start at the same time nor two servers of one stack are sent to the same port.
 */
export const freePorts = Effect.fnUntraced(function* (
  count: number,
): Effect.fn.Return<ReadonlyArray<number>, NoFreePort> {
  const found: Array<number> = []
  while (found.length < count && handedOut < blocks * blockSize) {
    const candidate = first + (((process.pid % blocks) * blockSize + handedOut) % (blocks * blockSize))
    handedOut += 1
    if (yield* isFree(candidate)) found.push(candidate)
  }
  return found.length < count ? yield* new NoFreePort({ wanted: count }) : found
})

/** One free port. */
export const freePort: Effect.Effect<number, NoFreePort> = Effect.flatMap(freePorts(1), ([port]) =>
  port === undefined ? Effect.fail(new NoFreePort({ wanted: 1 })) : Effect.succeed(port),
)

const listens = (port: number, host: string | undefined): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resume(Effect.succeed(true))))
  })
