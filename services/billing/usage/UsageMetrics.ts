/** What becomes of the batches, and how far behind the requests the counters are. */
import * as Metric from "effect/Metric"

/** `duplicate`: it was counted before. `dead`: it was given up and lies in `dead_letters`. */
export const batches = (outcome: "counted" | "duplicate" | "dead") => Metric.withAttributes(batchesTotal, { outcome })

const batchesTotal = Metric.counter("authsome_billing_batches_total", {
  description: "Batches of requests that the proxy sent, by what became of them",
  incremental: true,
})

export const events = Metric.counter("authsome_billing_events_total", {
  description: "Requests that were counted",
  incremental: true,
})

export const age = Metric.gauge("authsome_billing_counted_age_seconds", {
  description: "How long ago the newest request of a batch was answered when the batch was counted",
})
