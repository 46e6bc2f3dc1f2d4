/** Targets and executions, in Zitadel's Action API of version 2 (from 4.0 on): one of each serves the whole instance. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Anything, type ZitadelApi } from "./ZitadelApi.ts"
import { ZitadelFailed } from "./ZitadelFailed.ts"

/** The functions that make tokens. */
export const functions = ["preuserinfo", "preaccesstoken"] as const
export type TokenFunction = (typeof functions)[number]

export const targetName = "nova-claims"

/**
 * How Zitadel calls Nova: with JSON, over which the signature goes. An error never interrupts: the token is issued without
 * the claims.
 */
export interface Target {
  readonly endpoint: string
  readonly timeout: string
  readonly restCall: { readonly interruptOnError: boolean }
  readonly payloadType: "PAYLOAD_TYPE_JSON"
}

export const targetOf = (identityUrl: URL): Target => ({
  endpoint: `${identityUrl.href.replace(/\/+$/, "")}/internal/zitadel/append-claims`,
  timeout: "2s",
  restCall: { interruptOnError: false },
  payloadType: "PAYLOAD_TYPE_JSON",
})

export interface ObservedTarget {
  /** Ours, if it is there, and whether it is as wanted. */
  readonly target: { readonly id: string; readonly differs: ReadonlyArray<string> } | undefined
  /** The ids of the targets of each function, in the order in which they are called. */
  readonly executions: Readonly<Record<TokenFunction, ReadonlyArray<string>>>
}

export type TargetStep =
  | { readonly _tag: "CreateTarget" }
  | { readonly _tag: "UpdateTarget"; readonly id: string; readonly differs: ReadonlyArray<string> }
  | { readonly _tag: "RotateKey"; readonly id: string }
  | { readonly _tag: "DeleteTarget"; readonly id: string }
  /** Others stay, in their order; ours comes after them. */
  | {
      readonly _tag: "SetExecution"
      readonly function: TokenFunction
      readonly others: ReadonlyArray<string>
      readonly withOurs: boolean
    }

/** The steps to the wanted target on both functions; none where all is so and no new signing key is asked for. */
export const targetInstallation = (
  { target, executions }: ObservedTarget,
  rotate: boolean,
): ReadonlyArray<TargetStep> => [
  ...(target === undefined ? [{ _tag: "CreateTarget" } as const] : []),
  ...(target !== undefined && target.differs.length > 0 ? [{ _tag: "UpdateTarget", ...target } as const] : []),
  ...(target !== undefined && rotate ? [{ _tag: "RotateKey", id: target.id } as const] : []),
  ...functions.flatMap((name): ReadonlyArray<TargetStep> => {
    const called = executions[name]
    if (target !== undefined && called.includes(target.id)) return []
    return [{ _tag: "SetExecution", function: name, others: called, withOurs: true }]
  }),
]

/** The steps that take our target away; none where it is not there. */
export const targetRemoval = ({ target, executions }: ObservedTarget): ReadonlyArray<TargetStep> => {
  if (target === undefined) return []
  const { id } = target
  const calling = functions.filter((name) => executions[name].includes(id))
  return [
    ...calling.map(
      (name): TargetStep => ({
        _tag: "SetExecution",
        function: name,
        others: executions[name].filter((other) => other !== id),
        withOurs: false,
      }),
    ),
    { _tag: "DeleteTarget", id },
  ]
}

/** A step in words, for people. */
export const describeTargetStep = (step: TargetStep): string => {
  switch (step._tag) {
    case "CreateTarget":
      return `create the target ${targetName}`
    case "UpdateTarget":
      return `update the target ${targetName} (${step.differs.join(", ")})`
    case "RotateKey":
      return `replace the signing key of ${targetName}`
    case "DeleteTarget":
      return `delete the target ${targetName}`
    case "SetExecution":
      return `${step.withOurs ? "call" : "no longer call"} ${targetName} at ${step.function}`
  }
}

const Found = Schema.Struct({
  targets: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        id: Schema.String,
        name: Schema.optionalKey(Schema.String),
        endpoint: Schema.optionalKey(Schema.String),
        timeout: Schema.optionalKey(Schema.String),
        restCall: Schema.optionalKey(Schema.Struct({ interruptOnError: Schema.optionalKey(Schema.Boolean) })),
        // Before 4.8 there is none but JSON, and no such member.
        payloadType: Schema.optionalKey(Schema.String),
      }),
    ),
  ),
})

const Executions = Schema.Struct({
  executions: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        condition: Schema.Struct({ function: Schema.optionalKey(Schema.Struct({ name: Schema.String })) }),
        targets: Schema.optionalKey(Schema.Array(Schema.String)),
      }),
    ),
  ),
})

const Keyed = Schema.Struct({ id: Schema.optionalKey(Schema.String), signingKey: Schema.optionalKey(Schema.String) })

/** What is there now. Fails with `refused` where Zitadel has no actions of version 2. */
export const observeTarget = Effect.fnUntraced(function* (api: ZitadelApi, wanted: Target) {
  const named = { targetNameFilter: { targetName, method: "TEXT_FILTER_METHOD_EQUALS" } }
  const { targets = [] } = yield* api
    .call({ method: "POST", path: "/v2/actions/targets/search", body: { filters: [named] } }, Found)
    .pipe(
      Effect.catchIf(
        ({ kind, detail }) => kind === "notFound" || detail.startsWith("501"),
        ({ request }) => new ZitadelFailed({ kind: "refused", request, detail: "it needs 4.0 or later; use --api v1" }),
      ),
    )
  const conditions = functions.map((name) => ({ function: { name } }))
  const { executions = [] } = yield* api.call(
    {
      method: "POST",
      path: "/v2/actions/executions/search",
      body: { filters: [{ inConditionsFilter: { conditions } }] },
    },
    Executions,
  )
  const called = (name: TokenFunction) =>
    executions.find(({ condition }) => condition.function?.name === name)?.targets ?? []
  const there = targets.find(({ name }) => name === targetName)
  const observed: ObservedTarget = {
    target: there === undefined ? undefined : { id: there.id, differs: differences(there, wanted) },
    executions: { preuserinfo: called("preuserinfo"), preaccesstoken: called("preaccesstoken") },
  }
  return observed
})

const differences = (there: NonNullable<(typeof Found.Type)["targets"]>[number], wanted: Target) => [
  ...(there.endpoint === wanted.endpoint ? [] : ["endpoint"]),
  ...(there.timeout === wanted.timeout ? [] : ["timeout"]),
  ...(there.restCall !== undefined && there.restCall.interruptOnError !== true ? [] : ["restCall"]),
  ...([undefined, "PAYLOAD_TYPE_UNSPECIFIED", wanted.payloadType].includes(there.payloadType) ? [] : ["payloadType"]),
]

/** Takes the steps; every new signing key is handed to `keep` at once, since Zitadel shows it only now. */
export const applyTarget = Effect.fnUntraced(function* <E, R>(
  api: ZitadelApi,
  wanted: Target,
  { target }: ObservedTarget,
  steps: ReadonlyArray<TargetStep>,
  keep: (signingKey: Redacted.Redacted<string>) => Effect.Effect<void, E, R>,
) {
  const path = "/v2/actions/targets"
  let ours = target?.id
  const kept = ({ signingKey }: typeof Keyed.Type) =>
    signingKey === undefined ? Effect.void : keep(Redacted.make(signingKey))
  for (const step of steps) {
    switch (step._tag) {
      case "CreateTarget": {
        const made = yield* api.call({ method: "POST", path, body: { name: targetName, ...wanted } }, Keyed)
        ours = made.id
        yield* kept(made)
        break
      }
      case "UpdateTarget":
        yield* api.call({ method: "POST", path: `${path}/${encodeURIComponent(step.id)}`, body: wanted }, Anything)
        break
      case "RotateKey": {
        // The only grace that Zitadel takes is none.
        const body = { expirationSigningKey: "0s" }
        yield* kept(yield* api.call({ method: "POST", path: `${path}/${encodeURIComponent(step.id)}`, body }, Keyed))
        break
      }
      case "DeleteTarget":
        yield* api.call({ method: "DELETE", path: `${path}/${encodeURIComponent(step.id)}` }, Anything)
        break
      case "SetExecution": {
        const targets = [...step.others, ...(step.withOurs && ours !== undefined ? [ours] : [])]
        const body = { condition: { function: { name: step.function } }, targets }
        yield* api.call({ method: "PUT", path: "/v2/actions/executions", body }, Anything)
        break
      }
    }
  }
})
