/** What has to change in one organisation for its tokens to carry Nova's claims, or to carry them no more. */
import type { Action } from "../pack/Pack.ts"

/** The triggers of the flow Complement Token (id 2) at which the actions run. */
export const triggers = [
  { id: "4", name: "Pre Userinfo creation" },
  { id: "5", name: "Pre access token creation" },
] as const

export type TriggerId = (typeof triggers)[number]["id"]

/** An action as it is there. */
export interface PresentAction extends Action {
  readonly id: string
  readonly active: boolean
}

/** What is there. */
export interface Observed {
  /** All actions of the organisation. */
  readonly actions: ReadonlyArray<PresentAction>
  /** The ids of the actions of each trigger, in the order in which they run. */
  readonly triggers: Readonly<Record<TriggerId, ReadonlyArray<string>>>
}

export type Step =
  | { readonly _tag: "Create"; readonly action: Action }
  | { readonly _tag: "Update"; readonly id: string; readonly action: Action; readonly differs: ReadonlyArray<string> }
  | { readonly _tag: "Activate"; readonly id: string; readonly name: string }
  | {
      readonly _tag: "Trigger"
      readonly trigger: TriggerId
      /** What others have put there: stays, in its order. */
      readonly others: ReadonlyArray<string>
      /** The names of ours, which run after theirs. */
      readonly ours: ReadonlyArray<string>
    }
  | { readonly _tag: "Delete"; readonly id: string; readonly name: string }

const compared = ["script", "timeout", "allowedToFail"] as const

/** The steps to the wanted actions, on both triggers and in that order; none where all is so. */
export const installation = (wanted: ReadonlyArray<Action>, observed: Observed): ReadonlyArray<Step> => {
  const present = (name: string) => observed.actions.find((each) => each.name === name)
  const changes = wanted.flatMap((action): ReadonlyArray<Step> => {
    const there = present(action.name)
    if (there === undefined) return [{ _tag: "Create", action }]
    const differs = compared.filter((field) => there[field] !== action[field])
    return [
      ...(differs.length > 0 ? [{ _tag: "Update", id: there.id, action, differs } as const] : []),
      ...(there.active ? [] : [{ _tag: "Activate", id: there.id, name: there.name } as const]),
    ]
  })
  const names = wanted.map(({ name }) => name)
  const ids = names.map((name) => present(name)?.id)
  return [...changes, ...triggers.flatMap(({ id }) => triggerStep(id, observed.triggers[id], ids, names))]
}

/** A trigger that runs ours, once each and in their order, is left as it is, wherever the others are. */
const triggerStep = (
  trigger: TriggerId,
  running: ReadonlyArray<string>,
  ids: ReadonlyArray<string | undefined>,
  names: ReadonlyArray<string>,
): ReadonlyArray<Step> => {
  const ours = running.filter((id) => ids.includes(id))
  if (ours.length === ids.length && ours.every((id, index) => id === ids[index])) return []
  return [{ _tag: "Trigger", trigger, others: running.filter((id) => !ids.includes(id)), ours: names }]
}

/** The steps that take actions of these names away; none where there are none. */
export const removal = (names: ReadonlyArray<string>, observed: Observed): ReadonlyArray<Step> => {
  const ours = observed.actions.filter(({ name }) => names.includes(name))
  const isOurs = (id: string) => ours.some((each) => each.id === id)
  // First off the triggers: an action that is gone must not be asked for.
  const taken = triggers.flatMap(({ id }): ReadonlyArray<Step> => {
    const running = observed.triggers[id]
    if (!running.some(isOurs)) return []
    return [{ _tag: "Trigger", trigger: id, others: running.filter((each) => !isOurs(each)), ours: [] }]
  })
  return [...taken, ...ours.map(({ id, name }): Step => ({ _tag: "Delete", id, name }))]
}

/** A step in words, for people; shows no script. */
export const describe = (step: Step): string => {
  switch (step._tag) {
    case "Create":
      return `create ${step.action.name}`
    case "Update":
      return `update ${step.action.name} (${step.differs.join(", ")})`
    case "Activate":
      return `activate ${step.name}`
    case "Delete":
      return `delete ${step.name}`
    case "Trigger": {
      const name = triggers.find(({ id }) => id === step.trigger)?.name ?? step.trigger
      const after = step.others.length === 0 ? "" : `, after ${step.others.length} of others`
      if (step.ours.length > 0) return `run ${step.ours.join(", ")} at ${name}${after}`
      return step.others.length === 0
        ? `run nothing at ${name}`
        : `run only the ${step.others.length} of others at ${name}`
    }
  }
}
