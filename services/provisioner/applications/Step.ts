/** The steps from nothing to an instance that is served, and what is kept of each. */
import * as Schema from "effect/Schema"

/** In the order in which they are taken. */
export const stepNames = ["namespace", "database", "redis", "migrations", "instance", "monitoring", "activate"] as const

export const StepName = Schema.Literals(stepNames)
export type StepName = typeof StepName.Type

export const StepState = Schema.Literals(["pending", "running", "done", "failed"])
export type StepState = typeof StepState.Type

export class Step extends Schema.Class<Step>("provisioner/Step")({
  name: StepName,
  state: StepState,
  /** How often it was begun. 0: its part was found as desired. */
  attempt: Schema.Int,
  startedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromMillis),
  endedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromMillis),
  /** Why it failed last, for operators. */
  error: Schema.OptionFromNullOr(Schema.String),
}) {}

/** A step could not be taken. The reason is for operators and holds no secret. */
export class StepFailed extends Schema.TaggedError<StepFailed>()("StepFailed", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}
