/** Sends cases to one server process and says what was wrong. */
import type { Answer, Case } from "./Case.ts"
import { type Finding, judge } from "./judge.ts"
import { http1Sender, sendBytes } from "./send/http1.ts"
import { http2Sender } from "./send/http2.ts"
import type { Held } from "./server.ts"
import { startTarget } from "./Target.ts"

export interface Prober {
  readonly run: (each: Case) => Promise<{ readonly answer: Answer; readonly finding: Finding | undefined }>
  /** What the server says of itself, and whether it answers valid calls on both faces; the finding if it does not. */
  readonly check: () => Promise<Finding | undefined>
  /** What the server holds once every connection of ours is closed and the server has seen it. */
  readonly settle: () => Promise<Held | undefined>
  /** Whether the process has ended, and with what last words. */
  readonly death: () => string | undefined
  readonly stop: () => Promise<void>
}

/** After so long a request hangs: longer than any deadline of the probe but that of an endless stream. Milliseconds. */
const limitMs = 12_000

/** Starts a server of its own. */
export const startProber = async (): Promise<Prober> => {
  const target = await startTarget()
  const http1 = http1Sender(limitMs)
  const http2 = http2Sender(limitMs)
  const send = (each: Case): Promise<Answer> => {
    const port = target.port(each.face)
    switch (each.carrier) {
      case "http1":
        return http1.send(each, port)
      case "http2":
        return http2.send(each, port)
      case "bytes":
        return sendBytes(each, port, limitMs)
    }
  }
  const crashed = (): Finding | undefined => {
    const why = target.death()
    return why === undefined ? undefined : { kind: "crash", why }
  }
  return {
    run: async (each) => {
      const answer = await send(each)
      // Closed without a word: by a server that lives, or because it does not?
      if (answer.status === 0 && answer.unsent !== true) await target.alive()
      return { answer, finding: crashed() ?? judge(each, answer) }
    },
    check: async () => {
      for (const each of healthy) {
        const answer = await send(each)
        if (!(await target.alive())) return crashed()
        if (answer.status !== 200 || !["0", undefined].includes(answer.headers["grpc-status"])) {
          return { kind: "unhealthy", why: `a valid request is answered with ${answer.status}` }
        }
      }
      const held = await target.held()
      if (held === undefined) return crashed()
      const words = [...held.defects, target.complaints()].filter((text) => text !== "")
      return words.length === 0 ? undefined : { kind: "log", why: words.join("\n").slice(0, 2000) }
    },
    settle: async () => {
      http1.close()
      http2.close()
      let held = await target.held()
      for (let left = 200; left > 0 && held !== undefined && held.sockets > 0; left--) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        held = await target.held()
      }
      return held
    },
    death: target.death,
    stop: async () => {
      http1.close()
      http2.close()
      await target.stop()
    },
  }
}

const get = (target: string, face: "outside" | "mesh"): Case => ({
  carrier: "http1",
  face,
  request: { method: "GET", target, headers: [["host", "fuzz"]], body: Buffer.alloc(0) },
  framing: "length",
})

/** Valid requests whose answer is known. */
const healthy: ReadonlyArray<Case> = [
  get("/health", "outside"),
  get("/health", "mesh"),
  get("/probe/v1/items?page=1", "outside"),
  {
    carrier: "http2",
    face: "mesh",
    cut: "no",
    request: {
      method: "POST",
      target: "/authsome.testing.v1.ProbeService/ListItems",
      headers: [
        ["content-type", "application/grpc"],
        ["te", "trailers"],
      ],
      body: Buffer.alloc(5),
    },
  },
]
