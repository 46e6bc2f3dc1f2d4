/** How far behind the events are, and what becomes of them. */
import * as Metric from "effect/Metric"

export const outboxWaiting = Metric.gauge("authsome_mesh_outbox_waiting_events", {
  description: "Events that are committed and not yet published, up to 10000",
})

export const outboxAge = Metric.gauge("authsome_mesh_outbox_oldest_seconds", {
  description: "Age of the oldest event that is not yet published",
})

export const published = (subject: string, outcome: "stored" | "duplicate" | "failed") =>
  Metric.withAttributes(publishedTotal, { subject, outcome })

const publishedTotal = Metric.counter("authsome_mesh_events_published_total", {
  description: "Events handed to JetStream",
  incremental: true,
})

export const handled = (subject: string, outcome: "done" | "retry" | "dead") =>
  Metric.withAttributes(handledTotal, { subject, outcome })

const handledTotal = Metric.counter("authsome_mesh_events_handled_total", {
  description: "Deliveries of events to their consumers",
  incremental: true,
})
