/** Actions and triggers of organisations, in Zitadel's Management API of version 1. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Action } from "../pack/Pack.ts"
import { type Observed, type PresentAction, type Step, type TriggerId, triggers } from "./plan.ts"
import { Anything, type ZitadelApi } from "./ZitadelApi.ts"
import type { ZitadelFailed } from "./ZitadelFailed.ts"

/** The flow Complement Token. */
const flow = "2"

/** ProtoJSON leaves out what is empty. */
const Text = Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("")))
const list = <S extends Schema.Codec<unknown, unknown>>(of: S) =>
  Schema.Array(of).pipe(Schema.withDecodingDefaultKey(Effect.succeed([])))

const Actions = Schema.Struct({
  result: list(
    Schema.Struct({
      id: Schema.String,
      state: Text,
      name: Text,
      script: Text,
      timeout: Text,
      allowedToFail: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false))),
    }),
  ),
})

const Flow = Schema.Struct({
  flow: Schema.optionalKey(
    Schema.Struct({
      triggerActions: list(
        Schema.Struct({
          triggerType: Schema.Struct({ id: Schema.String }),
          actions: list(Schema.Struct({ id: Schema.String })),
        }),
      ),
    }),
  ),
})

const Created = Schema.Struct({ id: Schema.String })

const pageSize = 100

/** What is there now. */
export const observe = Effect.fnUntraced(function* (api: ZitadelApi, organization: string) {
  const actions: Array<PresentAction> = []
  let last: number
  do {
    const body = { query: { offset: String(actions.length), limit: pageSize, asc: true } }
    const { result } = yield* api.call(
      { method: "POST", path: "/management/v1/actions/_search", organization, body },
      Actions,
    )
    actions.push(...result.map(({ state, ...action }) => ({ ...action, active: state !== "ACTION_STATE_INACTIVE" })))
    last = result.length
  } while (last === pageSize)
  const answer = yield* api.call({ method: "GET", path: `/management/v1/flows/${flow}`, organization }, Flow)
  const running = (trigger: TriggerId) =>
    (answer.flow?.triggerActions ?? [])
      .filter(({ triggerType }) => triggerType.id === trigger)
      .flatMap((each) => each.actions.map(({ id }) => id))
  const observed: Observed = { actions, triggers: { "4": running("4"), "5": running("5") } }
  return observed
})

/** Takes the steps, one after the other; the first that fails ends it, and what was done stays done. */
export const apply = Effect.fnUntraced(function* (
  api: ZitadelApi,
  organization: string,
  observed: Observed,
  steps: ReadonlyArray<Step>,
) {
  const ids = new Map(observed.actions.map(({ name, id }) => [name, id]))
  const path = "/management/v1/actions"
  for (const step of steps) {
    switch (step._tag) {
      case "Create": {
        const body = bodyOf(step.action)
        const { id } = yield* api.call({ method: "POST", path, organization, body }, Created)
        ids.set(step.action.name, id)
        break
      }
      case "Update": {
        const request = { method: "PUT", path: `${path}/${encodeURIComponent(step.id)}`, organization } as const
        yield* settled(api.call({ ...request, body: bodyOf(step.action) }, Anything))
        break
      }
      case "Activate":
        yield* api.call(
          { method: "POST", path: `${path}/${encodeURIComponent(step.id)}/_reactivate`, organization, body: {} },
          Anything,
        )
        break
      case "Trigger": {
        const actionIds = [...step.others, ...step.ours.flatMap((name) => ids.get(name) ?? [])]
        const request = { method: "POST", path: `/management/v1/flows/${flow}/trigger/${step.trigger}` } as const
        yield* settled(api.call({ ...request, organization, body: { actionIds } }, Anything))
        break
      }
      case "Delete":
        yield* api.call({ method: "DELETE", path: `${path}/${encodeURIComponent(step.id)}`, organization }, Anything)
        break
    }
  }
})

const bodyOf = ({ name, script, timeout, allowedToFail }: Action) => ({ name, script, timeout, allowedToFail })

/** Somebody else was faster with the same change: that is as good. */
const settled = <A>(call: Effect.Effect<A, ZitadelFailed>): Effect.Effect<void, ZitadelFailed> =>
  Effect.catchIf(
    Effect.asVoid(call),
    ({ kind }) => kind === "unchanged",
    () => Effect.void,
  )

/** The names of triggers, for those who read them. */
export const triggerNames = triggers.map(({ name }) => name)
