/** What callers see of the end of a call, and what the log says of it. */
import type { Message } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { isSqlError } from "effect/sql/SqlError"
import type { Policy } from "./Policy.ts"
import { Internal, isPublicError, type PublicError, Unavailable } from "./PublicError.ts"
import { type Outcome, stopping } from "./Route.ts"

const databaseAway = new Unavailable({
  reason: "UNAVAILABLE",
  message: "the database is away for now",
  retryAfterMs: 1000,
})
export const defect = new Internal({ reason: "INTERNAL", message: "internal error" })

/** The ends of one rpc's calls. */
export const outcomesOf = (rpc: string, policy: Policy) => {
  /** What the caller sees of a failed call; that it was refused for a reason of no contract is hidden as a defect. */
  const errorOf = (cause: Cause.Cause<unknown>, why: PublicError | undefined): PublicError => {
    const error = publicErrorOf(cause, why)
    return policy.reasons.has(error.reason) ? error : defect
  }

  const outcomeOf = (
    exit: Exit.Exit<object, PublicError>,
    why: PublicError | undefined,
    output: (value: object) => Message,
  ): Outcome =>
    Exit.isSuccess(exit) ? { ok: true, message: output(exit.value) } : { ok: false, error: errorOf(exit.cause, why) }

  const logMistakes = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
    const { reason } = publicErrorOf(cause, undefined)
    return policy.reasons.has(reason)
      ? logDefects(cause, rpc)
      : Effect.annotateLogs(Effect.logError(`a call was refused for ${reason}, which its contract lacks`, cause), {
          rpc,
        })
  }

  return { errorOf, outcomeOf, logMistakes }
}

/** What the caller sees of a failed handler. `why` explains an interruption that the server itself ordered. */
const publicErrorOf = (cause: Cause.Cause<unknown>, why: PublicError | undefined): PublicError => {
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason) && isPublicError(reason.error)) return reason.error
    if (Cause.isDieReason(reason) && isPublicError(reason.defect)) return reason.defect
    if (Cause.isDieReason(reason) && isSqlError(reason.defect) && reason.defect.isRetryable) return databaseAway
  }
  return Cause.hasInterruptsOnly(cause) ? (why ?? stopping) : defect
}

export const logDefects = (cause: Cause.Cause<unknown>, rpc: string): Effect.Effect<void> =>
  Cause.hasDies(cause) ? Effect.annotateLogs(Effect.logError("a handler died", cause), { rpc }) : Effect.void
