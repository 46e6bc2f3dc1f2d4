/** Deleting now and then what is over. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

export interface SweepingOptions {
  /** Unset: an hour. */
  readonly every?: Duration.Input
  /** Before the first time: a process that starts has better things to do. Unset: a minute. */
  readonly after?: Duration.Input
}

/** Runs `sweep` in the background, time and again, until the scope closes. One that fails says so; the next makes up for it. */
export const sweeping = <A, E, R>(
  sweep: Effect.Effect<A, E, R>,
  { every = "1 hour", after = "1 minute" }: SweepingOptions = {},
): Effect.Effect<void, never, R | Scope.Scope> =>
  sweep.pipe(
    Effect.ignoreCause({ log: "Warn", message: "what is over could not be deleted for now" }),
    Effect.repeat(Schedule.spaced(every)),
    Effect.delay(after),
    Effect.forkScoped,
    Effect.asVoid,
  )
