import type * as Duration from "effect/Duration"

/** A stream as its messages demand it. */
export interface StreamSettings {
  readonly name: string
  /** The subject that the stream must keep; it may keep others too. */
  readonly subject: string
  /** `workQueue`: until one worker has acknowledged. `broadcast`: until it is too old. */
  readonly retention: "workQueue" | "broadcast"
  readonly maxAge: Duration.Duration
}
