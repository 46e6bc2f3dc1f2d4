/** What the stack tells while it works, a line for each thing done and how long it took. */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Where the lines go: standard output, unless a test collects them. */
export const Progress = Context.Reference<(line: string) => Effect.Effect<void>>("services/local/Progress", {
  defaultValue: () => Console.log,
})

/** Tells a line. */
export const tell = (line: string): Effect.Effect<void> => Effect.flatMap(Progress, (write) => write(line))

/** Tells, when the effect has succeeded, what it did and in what time. */
export const reported =
  <A>(describe: (result: A) => string) =>
  <E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Effect.timed(effect), ([time, result]) =>
      Effect.as(tell(`✓ ${describe(result)} (${seconds(time)})`), result),
    )

/** "1.2 s". */
export const seconds = (time: Duration.Duration): string => `${(Duration.toMillis(time) / 1_000).toFixed(1)} s`
