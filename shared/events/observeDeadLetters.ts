import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import { DeadLetterStore } from "./DeadLetterStore.ts"
import { deadLetters } from "./EventMetrics.ts"

/** Keeps the metrics of dead letters up to date, for ever; while the database is away they stay as they are. */
export const observeDeadLetters = Effect.gen(function* () {
  const { counts } = yield* DeadLetterStore
  /** Consumers that had letters: who has none any more is not in the answer. */
  const shown = new Set<string>()
  yield* counts.pipe(
    Effect.tap((found) => {
      for (const { consumer } of found) shown.add(consumer)
      return Effect.forEach(shown, (name) =>
        Metric.update(deadLetters(name), found.find(({ consumer }) => consumer === name)?.count ?? 0),
      )
    }),
    Effect.ignore,
    // Nobody caused it: a trace of its own every ten seconds would tell nothing.
    Effect.withTracerEnabled(false),
    Effect.repeat(Schedule.spaced("10 seconds")),
  )
})
