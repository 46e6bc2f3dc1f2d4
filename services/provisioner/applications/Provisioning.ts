/** How far an application is from what is wanted, and what is being done about it. */
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Announcement } from "./Announcement.ts"
import { ApplicationId, Desired } from "./Application.ts"
import { Step, stepNames } from "./Step.ts"

/** Pending: nobody has begun. Waiting: a step failed, and the next attempt has its time. */
export const State = Schema.Literals(["pending", "running", "waiting", "done", "failed"])
export type State = typeof State.Type

/** After so many attempts an application that never was as wanted counts as failed. */
export const maxAttempts = 3

export class Provisioning extends Schema.Class<Provisioning>("provisioner/Provisioning")({
  desired: Desired,
  state: State,
  /** Attempts that failed since it was last as wanted, or since somebody asked for more attempts. */
  failures: Schema.Int,
  /** The generation that it was last seen to match. 0: none. */
  observedGeneration: Schema.BigInt,
  /** Why it failed, in a sentence for the customer. */
  reason: Schema.OptionFromNullOr(Schema.String),
  announced: Schema.OptionFromNullOr(Announcement),
  /** When somebody must look at it next. None: not before something happens. */
  dueAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
  startedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
  updatedAt: Schema.DateTimeUtcFromDate,
  endedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
  /** Those of this generation that anything is known of. */
  known: Schema.Array(Step),
}) {
  get id(): ApplicationId {
    return this.desired.applicationId
  }

  /** All steps in their order; those that nothing is known of have not begun. */
  get steps(): ReadonlyArray<Step> {
    return stepNames.map((name) => this.known.find((step) => step.name === name) ?? untouched(name))
  }

  /** The attempt under way, or the last one; 0: none has begun. */
  get attempt(): number {
    if (this.state === "pending") return 0
    return this.state === "failed" || this.state === "waiting" ? this.failures : this.failures + 1
  }

  /** When the next attempt begins, while waiting for it. */
  get nextAttemptAt(): Option.Option<DateTime.Utc> {
    return this.state === "waiting" ? this.dueAt : Option.none()
  }

  /** Where the instance listens, as far as anybody was told. */
  get instanceUrl(): string {
    return Option.match(this.announced, { onNone: () => "", onSome: ({ instanceUrl }) => instanceUrl })
  }

  /** Done, or given up: nothing more will happen unless something changes. */
  get isSettled(): boolean {
    return this.state === "done" || this.state === "failed"
  }

  /**
   * Whether one more failure is the end of it. Only what is being made for its customer for the first time is given up:
   * what has run is healed, and what must go is removed, for as long as that takes.
   */
  get isLastAttempt(): boolean {
    const { generation, wanted } = this.desired
    return wanted === "running" && this.observedGeneration < generation && this.failures + 1 >= maxAttempts
  }
}

const untouched = (name: Step["name"]) =>
  new Step({
    name,
    state: "pending",
    attempt: 0,
    startedAt: Option.none(),
    endedAt: Option.none(),
    error: Option.none(),
  })

/** There is no application of this id, or none that anybody asked to be made. */
export class ProvisioningNotFound extends Schema.TaggedError<ProvisioningNotFound>()("ProvisioningNotFound", {
  id: ApplicationId,
}) {}
