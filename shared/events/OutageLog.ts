import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { handled } from "./EventMetrics.ts"
import type { OutageWatch } from "./Outage.ts"

/** A watch for all events of a subject together: counts what is held, and says once when it begins and when it is over. */
export const outageLog = (subject: string): OutageWatch => {
  let waiting = false
  const turned = (now: boolean) =>
    Effect.sync(() => {
      const turns = waiting !== now
      waiting = now
      return turns
    })
  return {
    waiting: ({ reason }) =>
      Metric.update(handled(subject, "held"), 1).pipe(
        Effect.andThen(Effect.when(Effect.logWarning("events are held", { subject, reason }), turned(true))),
        Effect.asVoid,
      ),
    over: Effect.asVoid(Effect.when(Effect.logInfo("events are handled again", { subject }), turned(false))),
  }
}
