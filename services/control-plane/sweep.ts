/** Work that clears away what is over: now and every hour, for as long as the scope lives. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

/** Runs the effect hourly; what hinders it is logged, and tried again in an hour. `what` ends "cannot clear away …". */
export const hourly = (what: string, effect: Effect.Effect<void>): Effect.Effect<void, never, Scope.Scope> =>
  effect.pipe(
    Effect.tapCause((cause) => Effect.logWarning(`cannot clear away ${what} for now`, cause)),
    Effect.exit,
    Effect.repeat(Schedule.spaced("1 hour")),
    Effect.forkScoped,
    Effect.asVoid,
  )
