/** What stands around the handler of one rpc: its policy, one span, one deadline, and what is logged of it. */
import type { DescMethod, Message } from "@bufbuild/protobuf"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Tracer from "effect/Tracer"
import { RequestId, requestIdHeader } from "../telemetry/RequestId.ts"
import type { AdmissionGate } from "./AdmissionGate.ts"
import { admissionOf } from "./admission.ts"
import { type Authentication, type Authorization, Call, type CallFacts } from "./Caller.ts"
import { callSpans } from "./callSpan.ts"
import { Deadline } from "./Deadline.ts"
import { clientAddress } from "./http/clientAddress.ts"
import { outcomesOf } from "./outcome.ts"
import { policyOf, rpcName } from "./Policy.ts"
import { isPublicError, type PublicError } from "./PublicError.ts"
import type { CallInit, Outcome } from "./Route.ts"
import { scopeOf } from "./scopeOf.ts"

export type Base = Context.Context<Authentication | Authorization>

/** What all rpcs of a process have in common. */
export interface Surroundings {
  readonly base: Base
  readonly gate: AdmissionGate
  readonly trustedHops: number
}

/** Of a resource's id, which strangers may choose, so many characters are logged: more than any id of ours has. */
const longestLogged = 64

interface RunningCall {
  readonly facts: CallFacts
  readonly context: Context.Context<Authentication | Authorization | Call>
  readonly limitMs: number
  readonly init: CallInit
}

interface EnteredCall {
  readonly span: Tracer.Span
  readonly context: Context.Context<Authentication | Authorization | Call | Tracer.ParentSpan>
}

/** The guard of one rpc. Throws where its contract has no complete policy. */
export const guardOf = (method: DescMethod, { base, trustedHops }: Surroundings, isPending: boolean) => {
  const policy = policyOf(method)
  const rpc = rpcName(method)
  const clock = Context.get(base, Clock.Clock)
  const { identify, admit } = admissionOf(method, rpc, policy, base, isPending)
  const { outcomeOf, errorOf, logMistakes } = outcomesOf(rpc, policy)
  const scope = scopeOf(method, policy)
  const spans = callSpans(method, base)

  const begin = (init: CallInit): RunningCall => {
    const facts: CallFacts = {
      rpc,
      requestId: init.requestId,
      remoteAddress:
        trustedHops === 0
          ? init.remoteAddress
          : clientAddress(init.remoteAddress, init.header("x-forwarded-for"), trustedHops),
      certifiedPeer: init.certifiedPeer,
      header: init.header,
      body: init.body,
      setHeader: init.setHeader,
    }
    init.setHeader(requestIdHeader, init.requestId)
    const limitMs = Math.min(policy.deadlineMs, init.timeoutMs ?? policy.deadlineMs)
    const deadline = clock.currentTimeMillisUnsafe() + limitMs
    const named = Context.add(Context.add(base, Call, facts), RequestId, init.requestId)
    return { facts, context: Context.add(named, Deadline, deadline), limitMs, init }
  }

  /** Begins the call's span, under which everything of the call runs. */
  const enter = (call: RunningCall): EnteredCall => {
    const span = spans.begin(call.init)
    return { span, context: Context.add(call.context, Tracer.ParentSpan, span) }
  }

  /** Ends it, and says what a caller is not told. */
  const leave = ({ span, context }: EnteredCall, exit: Exit.Exit<unknown, unknown>): void => {
    spans.end(span, exit)
    if (Exit.isFailure(exit)) Effect.runForkWith(context)(logMistakes(exit.cause))
  }

  const logAccess = (call: RunningCall, request: Message | PublicError, outcome: Outcome): void => {
    Effect.runForkWith(call.context)(
      Effect.logInfo("access").pipe(
        Effect.annotateLogs({
          rpc,
          outcome: outcome.ok ? "OK" : outcome.error.reason,
          remote_address: call.facts.remoteAddress,
          ...(policy.scope === "" || isPublicError(request)
            ? {}
            : { [policy.scope]: scope(request).slice(0, longestLogged) }),
        }),
      ),
    )
  }

  return {
    policy,
    rpc,
    begin,
    identify: (call: RunningCall) => identify(call.facts),
    admit: (request: Message, call: RunningCall) => admit(request, call.facts, call.init.fieldNames),
    enter,
    leave,
    outcomeOf,
    errorOf,
    logAccess,
  }
}
