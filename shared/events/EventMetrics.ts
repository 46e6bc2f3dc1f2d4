/** How far behind the events are, and what becomes of them. Attributes are names of the contract and of consumers. */
import * as Metric from "effect/Metric"

export const outboxWaiting = Metric.gauge("authsome_mesh_outbox_waiting_events", {
  description: "Events that are committed and not yet published, up to 10000",
})

export const outboxAge = Metric.gauge("authsome_mesh_outbox_oldest_seconds", {
  description: "Age of the oldest event that is not yet published",
})

const latencies = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Seconds from handing an event to JetStream to its answer, good or bad. */
export const publishSeconds = (subject: string) => Metric.withAttributes(publishDuration, { subject })

const publishDuration = Metric.histogram("authsome_mesh_event_publish_duration_seconds", {
  description: "Time that JetStream takes to store an event",
  boundaries: latencies,
})

export const published = (subject: string, outcome: "stored" | "duplicate" | "failed") =>
  Metric.withAttributes(publishedTotal, { subject, outcome })

const publishedTotal = Metric.counter("authsome_mesh_events_published_total", {
  description: "Events handed to JetStream",
  incremental: true,
})

/** `held`: tried again at once, because something that every event needs is away. */
export const handled = (subject: string, outcome: "done" | "retry" | "held" | "dead") =>
  Metric.withAttributes(handledTotal, { subject, outcome })

const handledTotal = Metric.counter("authsome_mesh_events_handled_total", {
  description: "Deliveries of events to their consumers",
  incremental: true,
})

/** Seconds from being stored to being handled, of events that were. */
export const handledAge = (subject: string) => Metric.withAttributes(handledAges, { subject })

const handledAges = Metric.histogram("authsome_mesh_event_handled_age_seconds", {
  description: "Age of events when their consumer had handled them",
  boundaries: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600, 21_600, 86_400],
})

export const consumerPending = (consumer: string, subject: string) =>
  Metric.withAttributes(pendingEvents, { consumer, subject })

const pendingEvents = Metric.gauge("authsome_mesh_consumer_pending_events", {
  description: "Events that a durable consumer has not handled, those that it is at included",
})

export const consumerOldest = (consumer: string, subject: string) =>
  Metric.withAttributes(oldestPending, { consumer, subject })

const oldestPending = Metric.gauge("authsome_mesh_consumer_oldest_seconds", {
  description: "Age of the oldest event that a durable consumer has not handled",
})

export const deadLetters = (consumer: string) => Metric.withAttributes(deadLetterCount, { consumer })

const deadLetterCount = Metric.gauge("authsome_mesh_dead_letters", {
  description: "Events that were given up and wait for somebody to look",
})
