/** HTTP as bytes, for what no client would send. */
import { connect } from "node:net"
import * as Effect from "effect/Effect"

/** Sends these lines and then `rest`, and returns all that comes back until the connection ends. Ask for `Connection: close`. */
export const exchange = (port: number, lines: ReadonlyArray<string>, rest = ""): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let answer = ""
    const socket = connect(port, "127.0.0.1", () => socket.write(`${lines.join("\r\n")}\r\n\r\n${rest}`))
    socket.setEncoding("latin1")
    socket.on("data", (text: string) => {
      answer += text
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(answer)))
    return Effect.sync(() => socket.destroy())
  })
