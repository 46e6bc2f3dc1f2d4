import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const pause = Effect.callback<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), 20)
  return Effect.sync(() => clearTimeout(timer))
})

/**
 * Waits for a fact: tries the effect every 20 ms until it succeeds, whatever the clock of the test shows. After the time
 * (10 s unless said) it fails with what the last try failed with; a defect ends it at once.
 */
export const eventually = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  within: Duration.Input = "10 seconds",
): Effect.Effect<A, E, R> => {
  const tries = Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(within)) / 20)
  const attempt = (left: number): Effect.Effect<A, E, R> =>
    left <= 0 ? effect : Effect.catch(effect, () => Effect.andThen(pause, attempt(left - 1)))
  return attempt(tries)
}
