/** The commands for actions of version 1: one organisation after the other, whatever becomes of the others. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Misused } from "#shared/runtime/commandLine.ts"
import { apply, observe } from "../management/Flows.ts"
import { getOrganization, listOrganizations, type Organization } from "../management/Organizations.ts"
import { describe, installation, type Observed, removal, type Step } from "../management/plan.ts"
import type { ZitadelApi } from "../management/ZitadelApi.ts"
import type { ZitadelFailed } from "../management/ZitadelFailed.ts"
import { type Action, actionNames } from "../pack/Pack.ts"
import { consent } from "./consent.ts"
import { NotDone } from "./Settings.ts"

interface Planned {
  readonly organization: Organization
  readonly observed: Observed
  readonly steps: ReadonlyArray<Step>
}

interface Plan {
  readonly planned: ReadonlyArray<Planned>
  /** So many organisations could not be read. */
  readonly unread: number
}

const named = ({ name, id }: Organization) => `${name} (${id})`

/** The organisations that are meant: those, or all. */
const chosen = Effect.fnUntraced(function* (api: ZitadelApi, ids: ReadonlyArray<string>) {
  if (ids.length === 0) return yield* listOrganizations(api)
  // Without an id, Zitadel would take the organisation that the token is of.
  if (!ids.every((id) => /^[\w-]+$/.test(id)))
    return yield* new Misused({ message: "--org is the id of an organisation" })
  return yield* Effect.forEach(new Set(ids), (id) =>
    Effect.mapError(getOrganization(api, id), (error) =>
      error.kind === "unknownOrganization" ? new NotDone({ message: `Zitadel has no organisation ${id}` }) : error,
    ),
  )
})

/** Looks at each organisation, shows what is to be done there, and returns it. */
const plan = Effect.fnUntraced(function* (
  api: ZitadelApi,
  ids: ReadonlyArray<string>,
  steps: (observed: Observed) => ReadonlyArray<Step>,
): Effect.fn.Return<Plan, Misused | NotDone | ZitadelFailed> {
  const planned: Array<Planned> = []
  let unread = 0
  for (const organization of yield* chosen(api, ids)) {
    if (!organization.active) {
      yield* Console.log(`- ${named(organization)}: not active, left alone`)
      continue
    }
    const observed = yield* observe(api, organization.id).pipe(
      Effect.catchTag("ZitadelFailed", (error) => {
        unread += 1
        return Effect.as(Console.log(`✗ ${named(organization)}: ${error.message}`), undefined)
      }),
    )
    if (observed === undefined) continue
    const wanted = steps(observed)
    planned.push({ organization, observed, steps: wanted })
    yield* Console.log(`- ${named(organization)}:${wanted.length === 0 ? " nothing to do" : ""}`)
    yield* Effect.forEach(wanted, (step) => Console.log(`    ${describe(step)}`), { discard: true })
  }
  return { planned, unread }
})

const organizations = (count: number) => `${count} ${count === 1 ? "organisation" : "organisations"}`

/** Shows the plan, asks, and carries it out; an organisation that fails keeps no other back. */
const carryOut = Effect.fnUntraced(function* (
  api: ZitadelApi,
  { planned, unread }: Plan,
  given: { readonly yes: boolean; readonly dryRun: boolean },
) {
  const open = planned.filter(({ steps }) => steps.length > 0)
  const agreed = open.length > 0 && (yield* consent(given))
  let failed = unread
  for (const { organization, observed, steps } of agreed ? open : []) {
    yield* apply(api, organization.id, observed, steps).pipe(
      Effect.matchEffect({
        onSuccess: () => Console.log(`✓ ${named(organization)}`),
        onFailure: ({ message }) => {
          failed += 1
          return Console.log(`✗ ${named(organization)}: ${message}`)
        },
      }),
    )
  }
  if (failed > 0) return yield* new NotDone({ message: `${organizations(failed)} failed; the next run completes it` })
  if (open.length === 0) yield* Console.log("Nothing to change.")
  if (agreed) yield* Console.log(`Changed ${organizations(open.length)}.`)
})

interface Given {
  readonly organizations: ReadonlyArray<string>
  readonly yes: boolean
  readonly dryRun: boolean
}

/** Creates or updates the actions and both triggers in every organisation. */
export const install = Effect.fnUntraced(function* (api: ZitadelApi, actions: ReadonlyArray<Action>, given: Given) {
  const planned = yield* plan(api, given.organizations, (observed) => installation(actions, observed))
  yield* carryOut(api, planned, given)
})

/** Takes the actions away in every organisation. */
export const uninstall = Effect.fnUntraced(function* (api: ZitadelApi, given: Given) {
  const planned = yield* plan(api, given.organizations, (observed) => removal(actionNames, observed))
  yield* carryOut(api, planned, given)
})

/** Fails unless every organisation has the actions of this pack. */
export const status = Effect.fnUntraced(function* (
  api: ZitadelApi,
  actions: ReadonlyArray<Action>,
  given: Pick<Given, "organizations">,
) {
  const { planned, unread } = yield* plan(api, given.organizations, (observed) => installation(actions, observed))
  const open = planned.filter(({ steps }) => steps.length > 0).length + unread
  if (open > 0) return yield* new NotDone({ message: `${organizations(open)} not complete` })
  yield* Console.log("All is installed.")
})
