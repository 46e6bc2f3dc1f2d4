/** Forgets, every hour, what nothing will ask for again. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { rememberedFor } from "./UsageBatch.ts"
import { UsageStore } from "./UsageStore.ts"

/** Metrics reach back 30 days; a day more, for the clocks and time zones of those who look. */
const minutesFor = Duration.days(31)

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const store = yield* UsageStore
    yield* store.sweepBatches(rememberedFor).pipe(
      Effect.andThen(store.sweepMinutes(minutesFor)),
      Effect.catchCause((cause) => Effect.logWarning("usage could not be swept", cause)),
      Effect.repeat(Schedule.spaced("1 hour")),
      Effect.forkScoped,
    )
  }),
).pipe(Layer.provide(UsageStore.layer))
