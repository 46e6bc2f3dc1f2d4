/** Counts and times of served calls, by rpc and outcome: the four golden signals of every service come from here. */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { AdmissionGate } from "./AdmissionGate.ts"
import type { Outcome } from "./Route.ts"

const served = Metric.counter("rpc_server_requests_total", { description: "Calls answered, by rpc and outcome." })
const durations = Metric.histogram("rpc_server_duration_seconds", {
  description: "Time from the whole request to its answer.",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
})

/** A function that records one call of `rpc`. Attributes are bound once: a call costs two updates. */
export const observeCall = (rpc: string, context: Context.Context<never>) => {
  const duration = Metric.withAttributes(durations, { rpc })
  const counters = new Map<string, typeof served>()
  const counter = (outcome: string) => {
    const known = counters.get(outcome)
    if (known !== undefined) return known
    const made = Metric.withAttributes(served, { rpc, outcome })
    counters.set(outcome, made)
    return made
  }
  return (outcome: Outcome, millis: number): void => {
    counter(outcome.ok ? "ok" : outcome.error.reason.toLowerCase()).updateUnsafe(1, context)
    duration.updateUnsafe(millis / 1000, context)
  }
}

const running = Metric.gauge("rpc_server_running_calls", {
  description: "Calls that are being served, without streams.",
})
const waiting = Metric.gauge("rpc_server_waiting_calls", { description: "Calls that wait for their turn." })

/** A function that notes how busy the server is right now. */
export const observeAdmission =
  ({ state }: AdmissionGate, context: Context.Context<never>) =>
  (): void => {
    const now = state()
    running.updateUnsafe(now.running, context)
    waiting.updateUnsafe(now.waiting, context)
  }
