/** A TCP port in front of a server, with a switch: so that a server can be away for one test while others use it. */
import { createServer, type Socket, connect as tcpConnect } from "node:net"
import * as Effect from "effect/Effect"

/** `open` forwards, `hanging` takes everything and answers nothing, `closed` refuses. */
export type GateState = "open" | "hanging" | "closed"

export interface Gate {
  readonly port: number
  /** Connections that stand go on hanging; to open or close ends them. */
  readonly turn: (state: GateState) => Effect.Effect<void>
}

/** An open gate before `host:port`, closed with the scope. */
export const gate = (target: { readonly host: string; readonly port: number }) =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    let state: GateState = "open"
    const keep = (socket: Socket) => {
      sockets.add(socket)
      socket.on("error", () => socket.destroy())
      socket.on("close", () => sockets.delete(socket))
    }
    const server = createServer((inbound) => {
      keep(inbound)
      if (state === "closed") return inbound.resetAndDestroy()
      const outbound = tcpConnect(target.port, target.host)
      keep(outbound)
      const forward = (from: Socket, to: Socket) => {
        from.on("data", (chunk) => state === "open" && to.write(chunk))
        from.on("end", () => to.end())
      }
      forward(inbound, outbound)
      forward(outbound, inbound)
    })
    const cut = () => {
      for (const socket of sockets) socket.destroy()
    }
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          cut()
        }),
    )
    const address = server.address()
    const made: Gate = {
      port: typeof address === "object" && address !== null ? address.port : 0,
      turn: (to) =>
        Effect.sync(() => {
          state = to
          if (to !== "hanging") cut()
        }),
    }
    return made
  })
