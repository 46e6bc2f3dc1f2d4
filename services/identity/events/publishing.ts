/** The way from the outbox to NATS; loaded only where there is one. */
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as OutboxRelay from "#shared/events/OutboxRelay.ts"
import { Nats } from "#shared/nats/Nats.ts"

/** Publishes what the outbox holds for as long as the process runs. */
export const publishing = (url: Redacted.Redacted<string>) =>
  Layer.provide(OutboxRelay.layer, Nats.layer({ url, name: "identity" }))
