/** Outbox and inbox on a database of the test's own, and a NATS server of its own, to switch off. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Inbox } from "../events/Inbox.ts"
import { Outbox } from "../events/Outbox.ts"
import { Nats } from "../nats/Nats.ts"
import { Readiness } from "../runtime/Readiness.ts"
import { TestDatabase } from "./TestDatabase.ts"
import { TestNats } from "./TestServers.ts"

/** A connection to the test's NATS, as one process has; `Layer.fresh` makes another one. */
export const testConnection = Layer.unwrap(
  Effect.map(TestNats, ({ url }) => Nats.layer({ url, name: "tester", timeout: "1 second" })),
).pipe(Layer.provide(Readiness.layer))

/** All of it, after the migrations of that folder of `migrations/`. */
export const testEvents = (folder: string) =>
  Layer.mergeAll(Outbox.layer, Inbox.layer, testConnection).pipe(
    Layer.provideMerge(Layer.merge(TestNats.layer, TestDatabase.sql(folder))),
  )
