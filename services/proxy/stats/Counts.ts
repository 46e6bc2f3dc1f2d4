/** What this process has done since it started, for `/metrics` and GetStats. Counting costs less than a microsecond. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { Outcome } from "../refusals/Refusal.ts"

/** Who gave a verdict; "stale": memory past its time, because nobody answered. */
export type Level = "memory" | "redis" | "control_plane" | "stale"

const requests = Metric.counter("authsome_proxy_requests_total", {
  description: "Customers' requests answered, by outcome",
  incremental: true,
})
const durations = Metric.histogram("authsome_proxy_request_duration_seconds", {
  description: "Time from a request's head to the last byte of its answer",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
})
const inFlight = Metric.gauge("authsome_proxy_requests_in_flight", { description: "Requests that are being answered" })
const verdicts = Metric.counter("authsome_proxy_verdicts_total", {
  description: "Verdicts on keys, by who gave them; stale: nobody could confirm a known key",
  incremental: true,
})
const malformed = Metric.counter("authsome_proxy_malformed_keys_total", {
  description: "Keys refused for their shape or checksum, without asking anybody",
  incremental: true,
})
const changes = Metric.counter("authsome_proxy_route_changes_total", {
  description: "Announced changes of keys and applications",
  incremental: true,
})

export interface Figures {
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly total: number
  readonly inFlight: number
  readonly succeeded: number
  readonly refused: number
  readonly failed: number
  readonly malformedKeys: number
  readonly changesReceived: number
  readonly outcomes: ReadonlyMap<Outcome, number>
  readonly verdicts: Readonly<Record<Level, number>>
}

export class Counts extends Context.Service<
  Counts,
  {
    /** A request has begun. */
    readonly begun: () => void
    /** A request has ended, with this HTTP status, after so many milliseconds. */
    readonly ended: (outcome: Outcome, status: number, millis: number) => void
    readonly verdict: (level: Level) => void
    /** A key was refused for its shape or checksum. */
    readonly malformedKey: () => void
    readonly changeReceived: () => void
    readonly figures: () => Figures
  }
>()("proxy/stats/Counts") {
  static readonly layer = Layer.effect(
    Counts,
    Effect.suspend(() => make()),
  )
}

/** "InvalidKey" as metrics write it: "invalid_key". */
const snakeCase = (outcome: Outcome): string => outcome.replace(/(?<!^)[A-Z]/g, "_$&").toLowerCase()

const make = Effect.fnUntraced(function* () {
  const context = yield* Effect.context()
  const startedAt = yield* Clock.currentTimeMillis
  const given: Record<Level, number> = { memory: 0, redis: 0, control_plane: 0, stale: 0 }
  const verdictCounters = {
    memory: Metric.withAttributes(verdicts, { level: "memory" }),
    redis: Metric.withAttributes(verdicts, { level: "redis" }),
    control_plane: Metric.withAttributes(verdicts, { level: "control_plane" }),
    stale: Metric.withAttributes(verdicts, { level: "stale" }),
  }
  const outcomes = new Map<Outcome, number>()
  const outcomeCounters = new Map<Outcome, typeof requests>()
  let [total, running, succeeded, refused, failed, malformedKeys, changesReceived] = [0, 0, 0, 0, 0, 0, 0]

  const outcomeCounter = (outcome: Outcome) => {
    const known = outcomeCounters.get(outcome)
    if (known !== undefined) return known
    const made = Metric.withAttributes(requests, { outcome: snakeCase(outcome) })
    outcomeCounters.set(outcome, made)
    return made
  }

  return Counts.of({
    begun: () => {
      running += 1
      inFlight.updateUnsafe(running, context)
    },
    ended: (outcome, status, millis) => {
      running -= 1
      total += 1
      if (status < 400) succeeded += 1
      else if (status < 500) refused += 1
      else failed += 1
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      outcomeCounter(outcome).updateUnsafe(1, context)
      durations.updateUnsafe(millis / 1000, context)
      inFlight.updateUnsafe(running, context)
    },
    verdict: (level) => {
      given[level] += 1
      verdictCounters[level].updateUnsafe(1, context)
    },
    malformedKey: () => {
      malformedKeys += 1
      malformed.updateUnsafe(1, context)
    },
    changeReceived: () => {
      changesReceived += 1
      changes.updateUnsafe(1, context)
    },
    figures: () => ({
      startedAt,
      total,
      inFlight: running,
      succeeded,
      refused,
      failed,
      malformedKeys,
      changesReceived,
      outcomes,
      verdicts: given,
    }),
  })
})
