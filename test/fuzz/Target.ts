/** The server under test, as the run holds it: a process that may die, and be started again. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type { Face } from "./Case.ts"
import type { Held } from "./server.ts"

export interface Target {
  readonly port: (face: Face) => number
  /** What the process said as it ended; undefined as long as it lives. */
  readonly death: () => string | undefined
  /** Asks the process whether it lives, and waits for its answer or its end. */
  readonly alive: () => Promise<boolean>
  /** What it holds; undefined where it has ended. */
  readonly held: () => Promise<Held | undefined>
  /** What it wrote on its standard error since the last call; a healthy server writes nothing. */
  readonly complaints: () => string
  readonly stop: () => Promise<void>
}

/** Starts the server; fails with what it said when it does not become ready. */
export const startTarget = async (): Promise<Target> => {
  const child = fork(join(import.meta.dirname, "server.ts"), [], { env: {}, stdio: ["ignore", "pipe", "pipe", "ipc"] })
  let said = ""
  const hear = (text: Buffer) => {
    said = (said + text.toString()).slice(-4000)
  }
  child.stdout?.on("data", hear)
  child.stderr?.on("data", hear)
  let death: string | undefined
  const ended = new Promise<void>((resolve) =>
    child.once("close", (code, signal) => {
      death = `the server ended with ${signal ?? `code ${code}`}: ${said.trim()}`
      resolve()
    }),
  )
  const gone = ended.then(() => undefined)
  const ready = await Promise.race([messageOf(child, "ready"), gone])
  if (ready === undefined) throw new Error(death)
  const ports = ready as { readonly httpPort: number; readonly grpcPort: number }
  let asked = 0
  const ask = (what: "alive" | "held"): Promise<unknown> => {
    if (!child.connected) return gone
    asked += 1
    const id = asked
    // The process may end as it is asked: its end then answers.
    child.send({ type: "ask", message: { what, id } }, () => {})
    return Promise.race([messageOf(child, "answer", id), gone])
  }
  return {
    port: (face) => (face === "outside" ? ports.httpPort : ports.grpcPort),
    death: () => death,
    alive: async () => (await ask("alive")) !== undefined,
    held: async () => (await ask("held")) as Held | undefined,
    complaints: () => {
      const all = said
      said = ""
      return all
    },
    stop: async () => {
      if (death === undefined) child.kill("SIGKILL")
      await ended
    },
  }
}

/** The next message of this type, and, of an answer, to the question `id`. */
const messageOf = (child: ChildProcess, type: string, id?: number): Promise<unknown> =>
  new Promise((resolve) => {
    const listen = (message: unknown) => {
      if (typeof message !== "object" || message === null || !("type" in message) || message.type !== type) return
      const value: unknown = "value" in message ? message.value : undefined
      if (id !== undefined && !(typeof value === "object" && value !== null && "id" in value && value.id === id)) return
      child.off("message", listen)
      resolve(value)
    }
    child.setMaxListeners(100).on("message", listen)
  })
