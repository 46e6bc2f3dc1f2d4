/**
 * Room in work queues, kept to by those who publish. NATS before 2.10.6 deletes the oldest work of a queue that is nearly
 * full, and acknowledges the new (nats-server 4771 and 4775): there the server must not know of any limit in bytes.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Nats } from "./Nats.ts"
import { NatsUnavailable } from "./NatsUnavailable.ts"

export interface StreamRoom {
  /** From now on the stream has a limit. */
  readonly guard: (stream: string) => void
  /** Fails where so many bytes more would be too many. Others may publish at the same time: up to a second's worth of it. */
  readonly admit: (stream: string, bytes: number) => Effect.Effect<void, NatsUnavailable>
}

const [major, minor, patch] = [2, 10, 6]

/** Whether the server, of that version, refuses what exceeds a queue's limit, and deletes nothing for it. */
export const keepsToLimits = (version: string): boolean => {
  const [first = 0, second = 0, third = 0] = version.split(/[.-]/).map(Number)
  return first > major || (first === major && (second > minor || (second === minor && third >= patch)))
}

/** What is known of a stream's size. */
interface Known {
  bytes: number
  /** Until when (epoch milliseconds) it is believed. */
  readonly until: number
}

const believedFor = 1000
/** What the server keeps beside a message: its subject, id, headers and place. */
const overhead = 300

export const makeStreamRoom = (use: Nats["Service"]["use"], maxBytes: number): StreamRoom => {
  const streams = new Map<string, Known | undefined>()
  const sizeOf = Effect.fnUntraced(function* (stream: string) {
    const now = yield* Clock.currentTimeMillis
    const known = streams.get(stream)
    if (known !== undefined && known.until > now) return known
    const { state } = yield* use(({ manager }) => manager.streams.info(stream))
    const fresh: Known = { bytes: state.bytes, until: now + believedFor }
    streams.set(stream, fresh)
    return fresh
  })
  return {
    guard: (stream) => {
      if (!streams.has(stream)) streams.set(stream, undefined)
    },
    admit: Effect.fnUntraced(function* (stream, bytes) {
      if (!streams.has(stream)) return
      const known = yield* sizeOf(stream)
      const grown = known.bytes + bytes + overhead
      if (grown > maxBytes) {
        // Somebody may make room at any moment.
        streams.set(stream, undefined)
        return yield* new NatsUnavailable({ reason: "the stream is full", concern: "stream" })
      }
      known.bytes = grown
    }),
  }
}
