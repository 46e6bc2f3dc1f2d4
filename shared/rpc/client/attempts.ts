/** A call as a series of attempts, each at another endpoint where there is one, until one is answered for good. */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type { PublicError } from "../PublicError.ts"
import type { Channel } from "./Channel.ts"
import type { Endpoint } from "./Endpoint.ts"
import type { Failure } from "./Exchange.ts"
import { tooLate } from "./outgoing.ts"
import { firstTry, nextTry, type Tries } from "./retry.ts"

/** What stays the same for all calls of one rpc. */
export interface Rules {
  readonly channel: Channel
  /** The contract allows to do the call twice. */
  readonly repeatable: boolean
  readonly retried: () => void
}

/** What stays the same for all attempts of one call. */
export interface Course<A> {
  readonly rules: Rules
  readonly clock: Clock.Clock
  /** Milliseconds of the clock. */
  readonly endsAt: number
  /** One attempt within so many milliseconds; where it fails, it goes on with what `after` says. */
  readonly attempt: (
    leftMs: number,
    avoid: Endpoint | undefined,
    after: (failure: Failure) => Effect.Effect<A, PublicError>,
  ) => Effect.Effect<A, PublicError>
  /** Told once that the call is over where no attempt tells it. */
  readonly ended: (exit: Exit.Exit<unknown, PublicError>) => void
}

/** Runs the call. The first attempt costs one closure more than itself. */
export const attempts = <A>(course: Course<A>, leftMs: number): Effect.Effect<A, PublicError> => {
  course.rules.channel.budget.earn()
  return attempt(course, firstTry, leftMs, undefined)
}

const attempt = <A>(
  course: Course<A>,
  tries: Tries,
  leftMs: number,
  avoid: Endpoint | undefined,
): Effect.Effect<A, PublicError> => course.attempt(leftMs, avoid, (failure) => after(course, tries, failure))

const after = <A>(course: Course<A>, tries: Tries, failure: Failure): Effect.Effect<A, PublicError> => {
  const { channel, repeatable, retried } = course.rules
  const next = nextTry(failure, tries, {
    repeatable,
    hasOther: channel.hasOther(failure.endpoint),
    leftMs: leftOf(course),
    random: Context.get(channel.context, Random.Random).nextDoubleUnsafe(),
    spend: channel.budget.spend,
  })
  if (next === undefined) return fail(course, failure.error)
  retried()
  const again = Effect.suspend(() => {
    const leftMs = leftOf(course)
    return leftMs > 0 ? attempt(course, next.tries, leftMs, failure.endpoint) : fail(course, tooLate)
  })
  if (next.pauseMs === 0) return again
  const pause = Effect.onInterrupt(Effect.sleep(next.pauseMs), () => Effect.sync(() => course.ended(Exit.interrupt())))
  return Effect.andThen(pause, again)
}

const leftOf = ({ clock, endsAt }: Pick<Course<never>, "clock" | "endsAt">): number =>
  endsAt - clock.currentTimeMillisUnsafe()

const fail = ({ ended }: Pick<Course<never>, "ended">, error: PublicError): Effect.Effect<never, PublicError> => {
  const exit = Exit.fail(error)
  ended(exit)
  return exit
}
