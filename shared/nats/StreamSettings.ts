/** Streams, as the events that they keep demand them. */

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DiscardPolicy, nanos, RetentionPolicy, StorageType } from "nats"
import type { Nats } from "./Nats.ts"

/** A stream as its messages demand it. */
export interface StreamSettings {
  readonly name: string
  /** The subject that the stream must keep; it may keep others too. */
  readonly subject: string
  /** `workQueue`: until one worker has acknowledged. `broadcast`: until it is too old. */
  readonly retention: "workQueue" | "broadcast"
  readonly maxAge: Duration.Duration
}

const retentions = { workQueue: RetentionPolicy.Workqueue, broadcast: RetentionPolicy.Limits } as const

/** Two minutes, in which an id is remembered; never longer than a message lives, which the server would refuse. */
const duplicateWindow = Duration.minutes(2)

/** JetStream's `JSStreamNotFoundErr`. */
const streamNotFound = 10_059

/** Makes the stream where it is missing, and adds the subject to it; the rest of a stream that exists is left alone. */
export const ensureStream = (use: Nats["Service"]["use"]) =>
  Effect.fnUntraced(function* ({ name, subject, retention, maxAge }: StreamSettings) {
    const settings = {
      max_age: nanos(Duration.toMillis(maxAge)),
      duplicate_window: nanos(Duration.toMillis(Duration.min(duplicateWindow, maxAge))),
    }
    const { config } = yield* use(({ manager }) => manager.streams.info(name)).pipe(
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
            }),
          ),
      ),
    )
    if (config.retention !== retentions[retention]) {
      return yield* Effect.die(new TypeError(`stream ${name} has another retention than its event`))
    }
    if (config.subjects.includes(subject)) return
    const subjects = [...config.subjects, subject]
    yield* use(({ manager }) => manager.streams.update(name, { ...settings, subjects }))
  })
