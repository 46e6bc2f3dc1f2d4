/** A way to a server that a test can follow, cut and freeze. */
import * as net from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Relay {
  readonly port: number
  /** Connections that it has taken so far, and those that are open. */
  readonly taken: () => number
  readonly open: () => number
  /** Bytes that clients have sent. */
  readonly heard: () => number
  /** As if the machine at the other end died with a reset: connections end at once, new ones are refused. */
  readonly cut: Effect.Effect<void>
  /** As if the cable was pulled: nothing is forwarded any more and nobody is told. */
  readonly freeze: Effect.Effect<void>
}

/** A connection of a client, and the one that was made for it. */
type Pair = readonly [near: net.Socket, far: net.Socket]

/** Forwards connections to `port` of this machine. */
export const relayTo = (port: number): Effect.Effect<Relay, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Relay>((resume) => {
      const pairs = new Set<Pair>()
      let taken = 0
      let heard = 0
      const server = net.createServer((near) => {
        taken += 1
        const pair: Pair = [near, net.connect(port, "127.0.0.1")]
        pairs.add(pair)
        join(pair, () => pairs.delete(pair))
        near.on("data", (chunk) => {
          heard += chunk.length
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(
          Effect.succeed({
            port: typeof address === "object" && address !== null ? address.port : 0,
            taken: () => taken,
            open: () => pairs.size,
            heard: () => heard,
            cut: Effect.sync(() => {
              server.close()
              for (const socket of [...pairs].flat()) socket.resetAndDestroy()
            }),
            freeze: Effect.sync(() => {
              for (const [near, far] of pairs) {
                near.unpipe(far).pause()
                far.unpipe(near).pause()
              }
            }),
          }),
        )
      })
    }),
    ({ cut }) => cut,
  )

const join = ([near, far]: Pair, ended: () => void): void => {
  const end = () => {
    ended()
    near.destroy()
    far.destroy()
  }
  for (const socket of [near, far]) socket.setNoDelay().on("error", end).on("close", end)
  near.pipe(far)
  far.pipe(near)
}
