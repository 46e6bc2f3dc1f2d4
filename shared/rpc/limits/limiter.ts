/** The limit of one rpc, as its guard enforces it. */
import type { DescMethod } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import type { CallerIdentity, CallFacts } from "../Caller.ts"
import { type Policy, rpcName } from "../Policy.ts"
import { ResourceExhausted } from "../PublicError.ts"
import type { RateLimits } from "../RateLimits.ts"
import { subjectOf } from "./subjectOf.ts"
import type { Standing } from "./TokenBucket.ts"

export type Limit = (caller: CallerIdentity, call: CallFacts) => Effect.Effect<void, ResourceExhausted>

/**
 * Counts a call of an admitted caller, or refuses it; undefined where the rpc has no limit, so that it pays nothing.
 * Throws where the contract wants a limit and the process does not say which.
 */
export const limitOf = (
  method: DescMethod,
  { rateClass }: Policy,
  limits: RateLimits["Service"] | undefined,
): Limit | undefined => {
  if (rateClass === undefined) return undefined
  if (limits === undefined) {
    throw new Error(`${rpcName(method)} cannot be served: its contract limits its callers, and this process does not`)
  }
  const rate = limits.rates[rateClass]
  if (rate === undefined) return undefined
  const refusal = (retryAfterMs: number) =>
    new ResourceExhausted({
      reason: "RATE_LIMITED",
      message: `more than ${rate.perMinute} such calls a minute; come again later`,
      retryAfterMs,
    })
  return (caller, call) => {
    const subject = subjectOf(caller, call.remoteAddress)
    if (subject === undefined) return Effect.void
    return Effect.flatMap(limits.take(rateClass, rate, subject), (standing) => {
      if (limits.told) tell(call, standing)
      return standing.allowed ? Effect.void : Effect.fail(refusal(standing.retryAfterMs))
    })
  }
}

/** The headers of every answer of the cloud that a rate applies to. */
const tell = ({ setHeader }: CallFacts, { limit, remaining, fullAt }: Standing): void => {
  setHeader("x-ratelimit-limit", String(limit))
  setHeader("x-ratelimit-remaining", String(remaining))
  setHeader("x-ratelimit-reset", String(fullAt))
}
