/** Streams, made and kept as the events that travel on them demand, within the limits of the installation. */

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DiscardPolicy, nanos, RetentionPolicy, StorageType, type StreamInfo } from "nats"
import type { JetStream, Nats } from "./Nats.ts"
import type { NatsUnavailable } from "./NatsUnavailable.ts"
import type { StreamLimits } from "./StreamLimits.ts"
import { keepsToLimits, makeStreamRoom } from "./StreamRoom.ts"
import type { StreamSettings } from "./StreamSettings.ts"

const retentions = { workQueue: RetentionPolicy.Workqueue, broadcast: RetentionPolicy.Limits } as const

/** Two minutes, in which an id is remembered; never longer than a message lives, which the server would refuse. */
const duplicateWindow = Duration.minutes(2)

/** JetStream's `JSStreamNotFoundErr`. */
const streamNotFound = 10_059

const unlimited = -1

/** Limits in the server's words, as far as they differ from those that the stream has. */
const changed = ({ config, state }: StreamInfo, { replicas, maxBytes }: StreamLimits) => ({
  ...(replicas !== undefined && replicas !== config.num_replicas && { num_replicas: replicas }),
  // The server deletes at once what exceeds a new limit, work that waits too (nats-server 2589). So a limit comes into
  // force only where the messages, and those that come meanwhile, fit.
  ...(maxBytes !== undefined &&
    maxBytes !== config.max_bytes &&
    (maxBytes === unlimited || state.bytes <= maxBytes / 2) && { max_bytes: maxBytes }),
})

export interface Streams {
  /**
   * Makes the stream where it is missing, adds the subject to it, and brings it within the limits; the rest of a stream
   * that exists is left alone. Limits that the server refuses for a stream that exists are logged: it serves as it is.
   */
  readonly ensure: (stream: StreamSettings) => Effect.Effect<void, NatsUnavailable>
  /** Fails where the stream is full, as far as that is not the server's to say. */
  readonly admit: (stream: string, bytes: number) => Effect.Effect<void, NatsUnavailable>
}

export const makeStreams = (use: Nats["Service"]["use"], limits: StreamLimits): Streams => {
  const room = limits.maxBytes === undefined ? undefined : makeStreamRoom(use, limits.maxBytes)
  const version = use(async ({ version }: JetStream) => version)

  /** The server's part of the limits. */
  const limitsOf = ({ name, retention }: StreamSettings): Effect.Effect<StreamLimits, NatsUnavailable> =>
    Effect.map(version, (running) => {
      if (room === undefined || retention === "broadcast" || keepsToLimits(running)) return limits
      room.guard(name)
      return { ...limits, maxBytes: unlimited }
    })

  const ensure = Effect.fnUntraced(function* (stream: StreamSettings) {
    const { name, subject, retention, maxAge } = stream
    const allowed = yield* limitsOf(stream)
    const settings = {
      max_age: nanos(Duration.toMillis(maxAge)),
      duplicate_window: nanos(Duration.toMillis(Duration.min(duplicateWindow, maxAge))),
    }
    const info = yield* use(({ manager }) => manager.streams.info(name)).pipe(
      Effect.catchIf(
        (error) => error.code === streamNotFound,
        () =>
          use(({ manager }) =>
            manager.streams.add({
              ...settings,
              name,
              subjects: [subject],
              retention: retentions[retention],
              storage: StorageType.File,
              // A full queue must push back on its publishers; old news may go.
              discard: retention === "workQueue" ? DiscardPolicy.New : DiscardPolicy.Old,
              num_replicas: allowed.replicas ?? 1,
              max_bytes: allowed.maxBytes ?? unlimited,
            }),
          ),
      ),
    )
    const { config } = info
    if (config.retention !== retentions[retention]) {
      return yield* Effect.die(new TypeError(`stream ${name} has another retention than its event`))
    }
    if (!config.subjects.includes(subject)) {
      const subjects = [...config.subjects, subject]
      yield* use(({ manager }) => manager.streams.update(name, { ...settings, subjects }))
    }
    const update = changed(info, allowed)
    if (Object.keys(update).length === 0) return
    yield* use(({ manager }) => manager.streams.update(name, update)).pipe(
      Effect.catch(({ reason }) => Effect.logWarning("a stream keeps its old limits", { stream: name, reason })),
    )
  })

  return { ensure, admit: (stream, bytes) => room?.admit(stream, bytes) ?? Effect.void }
}
