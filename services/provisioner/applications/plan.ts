/** What to do next, from what is wanted and what is there. Pure: after any crash, look again and ask again. */
import type { Wanted } from "./Application.ts"
import { type StepName, stepNames } from "./Step.ts"

/** A step's part of the whole: not there; there, but not as desired, such as a process that died; or as desired. */
export type Part = "absent" | "differs" | "present"

/** What is there, step by step. `activate` is what the control plane was last told. */
export type Observed = Readonly<Record<StepName, Part>>

/** To take a step, or to take it back. */
export interface Action {
  readonly name: StepName
  readonly verb: "make" | "remove"
}

/** The steps in the order in which they are taken; those of one stage do not need each other and go side by side. */
const stages: ReadonlyArray<ReadonlyArray<StepName>> = [
  ["namespace"],
  ["database", "redis"],
  ["migrations"],
  ["instance"],
  ["monitoring"],
  ["activate"],
]

/** A suspended instance keeps what it remembers. */
const staysSuspended: ReadonlySet<StepName> = new Set(["namespace", "database", "redis", "migrations"])

/** What becomes of the step's part. */
export const goal = (wanted: Wanted, name: StepName): "present" | "absent" => {
  switch (wanted) {
    case "running":
      return "present"
    case "suspended":
      return staysSuspended.has(name) ? "present" : "absent"
    case "absent":
      return "absent"
  }
}

/** The steps whose part is as desired. */
export const settled = (wanted: Wanted, observed: Observed): ReadonlyArray<StepName> =>
  stepNames.filter((name) => observed[name] === goal(wanted, name))

/**
 * The actions to begin with now, side by side; none when everything is as desired. What must go goes first, in reverse
 * order, so that nobody is sent to what is about to disappear.
 */
export const next = (wanted: Wanted, observed: Observed): ReadonlyArray<Action> => {
  const open = stages.map((stage) => stage.filter((name) => observed[name] !== goal(wanted, name)))
  const removal = open
    // Tables go with their database.
    .map((stage) => stage.filter((name) => goal(wanted, name) === "absent" && name !== "migrations"))
    .findLast((stage) => stage.length > 0)
  if (removal !== undefined) return removal.map((name) => ({ name, verb: "remove" }))
  const making = open
    .map((stage) => stage.filter((name) => goal(wanted, name) === "present"))
    .find((stage) => stage.length > 0)
  return (making ?? []).map((name) => ({ name, verb: "make" }))
}
