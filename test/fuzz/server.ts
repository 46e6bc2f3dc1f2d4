/** The probe in a process of its own: says what went wrong inside, and what it holds. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { Listening } from "#shared/rpc/Server.ts"
import { answer, tellReady } from "../bench/child.ts"
import * as Probe from "../mesh/Probe.ts"

/** What the process holds after all garbage is gone. Bytes; counts by kind of resource. */
export interface Held {
  readonly heap: number
  readonly rss: number
  readonly sockets: number
  readonly timers: number
  /** Every defect that was logged since the last question, but those that a request asked for. */
  readonly defects: ReadonlyArray<string>
}

setFlagsFromString("--expose-gc")
const collect: unknown = runInNewContext("gc")
const defects: Array<string> = []

/** Defects that Misbehave makes when asked to. */
const asked = /a secret inside|MisbehaveResponse/

const log = Logger.make(({ message, cause, logLevel }) => {
  if (logLevel !== "Error" && logLevel !== "Fatal") return
  const text = `${String(message)} ${Cause.pretty(cause)}`
  if (asked.test(text) || /cannot check callers/.test(text) || defects.length > 20) return
  defects.push(text)
})

const held = async (seen: typeof Probe.Seen.Service): Promise<Held> => {
  seen.permissions.length = 0
  seen.records.length = 0
  // What waits for its turn (streams that close, finalizers) goes first, else it counts as held.
  for (let left = 3; left > 0; left--) {
    await new Promise((resolve) => setImmediate(resolve))
    if (typeof collect === "function") collect()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  const count = (kind: RegExp) => resources.filter((name) => kind.test(name)).length
  return {
    heap: heapUsed + external,
    rss,
    sockets: count(/^TCPSocketWrap$|^TCPWRAP$/),
    timers: count(/^Timeout$/),
    defects: defects.splice(0),
  }
}

const isQuestion = (message: unknown): message is { readonly what: unknown; readonly id: unknown } =>
  typeof message === "object" && message !== null && "what" in message && "id" in message

const ready = Layer.effectDiscard(
  Effect.gen(function* () {
    const ports = yield* Listening
    const seen = yield* Probe.Seen
    answer(async (question) => ({
      ...(isQuestion(question) && question.what === "held" ? await held(seen) : {}),
      id: isQuestion(question) ? question.id : 0,
    }))
    tellReady(ports)
  }),
)

Effect.runFork(Layer.launch(ready.pipe(Layer.provide(Probe.layerWith({}, Logger.layer([log]))))))
