/** What needs NATS, over one connection; loaded only where there is one. */
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { Inbox } from "#shared/events/Inbox.ts"
import * as OutboxRelay from "#shared/events/OutboxRelay.ts"
import { Nats } from "#shared/nats/Nats.ts"
import * as Operations from "#shared/operations/rpc.ts"

export const queue = (url: Redacted.Redacted<string>) => {
  const nats = Nats.layer({ url, name: "identity" })
  return {
    /** Publishes what the outbox holds for as long as the process runs. */
    publishing: Layer.provide(OutboxRelay.layer, nats),
    /** Lets operators see how far that is. */
    operations: Layer.provide(Operations.layer, [Inbox.layer, nats]),
    /** Lets a consumer have its events, and operators what it gave up. */
    consuming: <E, R>(consumer: Layer.Layer<never, E, R>) => Layer.provide(consumer, [Inbox.layer, nats]),
  }
}

export type Queue = ReturnType<typeof queue>
