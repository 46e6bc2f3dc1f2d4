/** Who gets to a handler: identity, rate, validation, permission, in this order. The only place where they are enforced. */
import type { DescMethod, Message } from "@bufbuild/protobuf"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Authentication, Authorization, type CallerIdentity, type CallFacts } from "./Caller.ts"
import { limitOf } from "./limits/limiter.ts"
import type { Policy } from "./Policy.ts"
import { PermissionDenied, type PublicError, Unauthenticated } from "./PublicError.ts"
import { RateLimits } from "./RateLimits.ts"
import type { Admitted } from "./Recorder.ts"
import { scopeOf } from "./scopeOf.ts"
import { type FieldNames, violationsOf } from "./validation.ts"

const unexpectedPeer = new PermissionDenied({
  reason: "PERMISSION_DENIED",
  message: "the contract does not name this program as a caller",
})

/** The admission of one rpc. An rpc whose turn has not come counts nobody. Throws where the process lacks its limits. */
export const admissionOf = (
  method: DescMethod,
  rpc: string,
  policy: Policy,
  base: Context.Context<Authentication | Authorization>,
  isPending: boolean,
) => {
  const authorization = Context.get(base, Authorization)
  const authenticate = authenticator(policy, rpc, base)
  const limit = isPending
    ? undefined
    : limitOf(method, policy, Option.getOrUndefined(Context.getOption(base, RateLimits)))
  const scope = scopeOf(method, policy)

  const recognise = (facts: CallFacts): Effect.Effect<CallerIdentity, PublicError> =>
    Effect.flatMap(authenticate(facts), (caller) =>
      isExpected(policy, caller) ? Effect.succeed(caller) : Effect.fail(unexpectedPeer),
    )

  /** Who calls, and that they may call once more. */
  const identify =
    limit === undefined
      ? recognise
      : (facts: CallFacts) => Effect.tap(recognise(facts), (caller) => limit(caller, facts))

  /** Identity and rate, then the request's rules, then the permission: no handler runs without all of them. */
  const admit = (request: Message, facts: CallFacts, names: FieldNames): Effect.Effect<Admitted, PublicError> =>
    Effect.flatMap(identify(facts), (caller) => {
      const invalid = violationsOf(method.input, request, names)
      if (invalid !== undefined) return Effect.fail(invalid)
      if (policy.permission === "") return Effect.succeed({ caller, grant: {} })
      const resource = scope(request)
      return Effect.flatMap(
        authorization.authorize(caller, { permission: policy.permission, field: policy.scope, resource }),
        (grant) => (isGrant(grant) ? Effect.succeed({ caller, grant }) : Effect.die(new Error("nothing was granted"))),
      )
    })

  return { identify, admit }
}

/** How callers of this policy are told apart. An access kind that the process cannot check is refused, and said so. */
const authenticator = (policy: Policy, rpc: string, base: Context.Context<Authentication>) => {
  const known = Context.get(base, Authentication)[policy.access]
  if (policy.access === "PUBLIC") return known ?? (() => Effect.succeed<CallerIdentity>({ _tag: "Anonymous" }))
  const unknown = () =>
    Effect.andThen(
      Effect.logError(`${rpc} is refused: this process cannot check callers of ${policy.access}`),
      Effect.fail(
        new Unauthenticated({ reason: "UNAUTHENTICATED", message: "this call cannot be authenticated here" }),
      ),
    )
  return known ?? unknown
}

/** Whether the contract lets this program of the mesh call. */
const isExpected = ({ callers }: Policy, caller: CallerIdentity): boolean =>
  callers.length === 0 || (caller._tag === "Peer" && callers.includes(caller.name))

/** Types say so, but who may do what is no matter of types alone. */
const isGrant = (grant: unknown): boolean => typeof grant === "object" && grant !== null
