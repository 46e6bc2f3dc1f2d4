/** A way to a server that a test can close, or through which some of what a program says does not get. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"

export interface Relay {
  /** The server's address, by way of the relay. */
  readonly url: Redacted.Redacted<string>
  /** Breaks all connections and refuses new ones, until it is opened. */
  readonly close: Effect.Effect<void>
  readonly open: Effect.Effect<void>
  /** How many connections it has refused. */
  readonly refused: () => number
  /** From the first piece with this text on, nothing that programs say gets through. Waits until that piece has come. */
  readonly swallowedFrom: (text: string) => Effect.Effect<void>
}

export const make = (server: Redacted.Redacted<string>): Effect.Effect<Relay, never, Scope.Scope> =>
  Effect.gen(function* () {
    const target = new URL(Redacted.value(server))
    const sockets = new Set<Socket>()
    const swallowed = yield* Deferred.make<void>()
    let open = true
    let refused = 0
    let text: string | undefined
    let silent = false

    const passes = (piece: Buffer): boolean => {
      if (!silent && text !== undefined && piece.includes(text)) {
        silent = true
        Deferred.doneUnsafe(swallowed, Effect.void)
      }
      return !silent
    }
    const closeAll = Effect.sync(() => {
      open = false
      for (const socket of sockets) socket.destroy()
    })

    const listener = createServer((program) => {
      if (!open) {
        refused += 1
        return void program.destroy()
      }
      const upstream = connect({ host: target.hostname, port: Number(target.port) })
      for (const [socket, other] of [
        [program, upstream],
        [upstream, program],
      ] as const) {
        sockets.add(socket)
        // Whoever breaks, the other one learns it by the end of its own connection.
        socket.on("error", () => {})
        socket.on("close", () => {
          sockets.delete(socket)
          other.destroy()
        })
      }
      upstream.pipe(program)
      program.on("data", (piece: Buffer) => void (passes(piece) && upstream.write(piece)))
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        listener.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.andThen(
          closeAll,
          Effect.sync(() => listener.close()),
        ),
    )

    const url = new URL(target)
    url.hostname = "127.0.0.1"
    url.port = String((listener.address() as AddressInfo).port)
    return {
      url: Redacted.make(url.href),
      close: closeAll,
      open: Effect.sync(() => {
        open = true
      }),
      refused: () => refused,
      swallowedFrom: (wanted) =>
        Effect.suspend(() => {
          text = wanted
          return Deferred.await(swallowed)
        }),
    }
  })
