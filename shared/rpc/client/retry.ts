/** Which failed attempts are worth another one, and when. */
import type { Failure } from "./Exchange.ts"

/** What a call has tried so far. */
export interface Tries {
  /** Attempts that were made after a pause, the first one included. */
  readonly paused: number
  /** Attempts that were made at once, because the one before cannot have been seen by anybody. */
  readonly atOnce: number
}

export const firstTry: Tries = { paused: 1, atOnce: 0 }

export interface Circumstances {
  /** The contract allows to do the call twice. */
  readonly repeatable: boolean
  /** Another endpoint is fit for the call. */
  readonly hasOther: boolean
  /** How much of the deadline is left. Milliseconds. */
  readonly leftMs: number
  /** 0 to 1. */
  readonly random: number
  /** Takes one retry out of the target's budget; false where it is used up. */
  readonly spend: () => boolean
}

export interface NextTry {
  readonly pauseMs: number
  readonly tries: Tries
}

const most = 3
const mostAtOnce = 3
const firstPauseMs = 20

/**
 * The next attempt, or undefined where the failure is final.
 *
 * A call that nobody can have seen goes elsewhere at once, whatever its contract: it costs no server anything (gRPC A6,
 * "transparent retries"). Everything else must be UNAVAILABLE, allowed by the contract or equally unseen, and within
 * the budget; it waits for a jittered, doubling pause, or as long as the peer asked for. A pause that would outlast the
 * deadline is not begun.
 */
export const nextTry = (failure: Failure, tries: Tries, given: Circumstances): NextTry | undefined => {
  const { error, fate } = failure
  const isUnseen = fate === "refused" || fate === "unsent"
  // A peer that refused unseen is going away: a new connection to it may do. One without a connection would fail again.
  if (isUnseen && tries.atOnce < mostAtOnce && (fate === "refused" || given.hasOther) && given.leftMs > 0) {
    return { pauseMs: 0, tries: { ...tries, atOnce: tries.atOnce + 1 } }
  }
  if (error._tag !== "Unavailable" || !(given.repeatable || isUnseen) || tries.paused >= most) return undefined
  const backoffMs = firstPauseMs * 2 ** (tries.paused - 1) * (0.5 + given.random)
  const pauseMs = Math.max(backoffMs, (error.retryAfterMs ?? 0) * (1 + 0.1 * given.random))
  if (pauseMs >= given.leftMs || !given.spend()) return undefined
  return { pauseMs, tries: { ...tries, paused: tries.paused + 1 } }
}
