/** How long steps and whole provisionings take, and how they end. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type { Provisioning } from "./Provisioning.ts"
import type { Action } from "./plan.ts"

const steps = Metric.histogram("authsome_provisioner_step_duration_seconds", {
  description: "Time that a step took, by step and outcome",
  boundaries: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
})

const activations = Metric.histogram("authsome_provisioner_activation_duration_seconds", {
  description: "Time from taking up a desired state to the instance being as desired",
  boundaries: [0.5, 1, 2, 3, 5, 10, 30, 60, 120, 300],
})

export const stepTaken = ({ name, verb }: Action, outcome: "Success" | "Failure", millis: number) =>
  Metric.update(
    Metric.withAttributes(steps, { step: name, verb, outcome: outcome === "Success" ? "done" : "failed" }),
    millis / 1000,
  )

export const activated = ({ startedAt, updatedAt }: Provisioning) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const since = DateTime.toEpochMillis(Option.getOrElse(startedAt, () => updatedAt))
    return Metric.update(activations, Math.max(0, now - since) / 1000)
  })
