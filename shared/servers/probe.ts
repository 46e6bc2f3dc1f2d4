import { get } from "node:http"
import { connect } from "node:net"
import * as Effect from "effect/Effect"

/**
 * Whether a server on the loopback address gives, within a second, an answer that contains `answer` when it is sent
 * `question` (empty: when it is only connected to).
 */
export const answers = (port: number, question: string, answer: string): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    let said = ""
    const socket = connect(port, "127.0.0.1", () => void socket.write(question))
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on("data", (chunk) => {
      said += chunk.toString("latin1")
      if (said.includes(answer)) resume(Effect.succeed(true))
    })
    socket.once("error", () => resume(Effect.succeed(false)))
    socket.once("close", () => resume(Effect.succeed(false)))
    return Effect.sync(() => socket.destroy())
  })

/** Whether the URL answers with 200 within a second. Each question has a connection of its own, which it closes. */
export const isOk = (url: string): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const request = get(url, { agent: false, timeout: 1_000 }, (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode === 200))
    })
    request.once("timeout", () => request.destroy())
    request.once("error", () => resume(Effect.succeed(false)))
    return Effect.sync(() => request.destroy())
  })
