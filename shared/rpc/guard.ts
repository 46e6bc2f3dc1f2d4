/** What stands around the handler of one rpc: its policy, one span, one deadline, and what is logged of it. */
import type { DescMethod, Message } from "@bufbuild/protobuf"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { RequestId, requestIdHeader } from "../telemetry/RequestId.ts"
import { parseTraceparent, traceparentHeader } from "../telemetry/traceparent.ts"
import type { AdmissionGate } from "./AdmissionGate.ts"
import { admissionOf } from "./admission.ts"
import { type Authentication, type Authorization, Call, type CallFacts } from "./Caller.ts"
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

/** The guard of one rpc. Throws where its contract has no complete policy. */
export const guardOf = (method: DescMethod, { base, trustedHops }: Surroundings, isPending: boolean) => {
  const policy = policyOf(method)
  const rpc = rpcName(method)
  const clock = Context.get(base, Clock.Clock)
  const { identify, admit } = admissionOf(method, rpc, policy, base, isPending)
  const { outcomeOf, errorOf, logMistakes } = outcomesOf(rpc, policy)
  const scope = scopeOf(method, policy)

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
    const context = base.pipe(
      Context.add(Call, facts),
      Context.add(RequestId, init.requestId),
      Context.add(Deadline, clock.currentTimeMillisUnsafe() + limitMs),
    )
    return { facts, context, limitMs, init }
  }

  const attributesOf = (protocol: CallInit["protocol"]) => ({
    "rpc.system": protocol,
    "rpc.service": method.parent.typeName,
    "rpc.method": method.name,
  })
  const attributes = { grpc: attributesOf("grpc"), connect: attributesOf("connect"), rest: attributesOf("rest") }

  const spanOptions = ({ init }: RunningCall) => {
    const header = init.header(traceparentHeader)
    return {
      kind: "server" as const,
      captureStackTrace: false, // an Error for each span would cost 25 µs
      attributes: attributes[init.protocol],
      parent: header === undefined ? undefined : Option.getOrUndefined(parseTraceparent(header)),
    }
  }

  // What `withSpan` does beyond this is keep a frame for pretty stacks, which no log of ours shows: a quarter of its cost.
  const traced = <A, R>(effect: Effect.Effect<A, PublicError, R>, call: RunningCall) =>
    Effect.useSpan(rpc, spanOptions(call), (span) =>
      Effect.provideService(Effect.tapCause(effect, logMistakes), Tracer.ParentSpan, span),
    )

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
    spanOptions,
    traced,
    outcomeOf,
    errorOf,
    logMistakes,
    logAccess,
  }
}
