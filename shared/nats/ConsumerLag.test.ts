import { assert, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { eventually } from "../testing/eventually.ts"
import { testConnection } from "../testing/TestEvents.ts"
import { TestNats } from "../testing/TestServers.ts"
import { consumerLag } from "./ConsumerLag.ts"
import { Nats } from "./Nats.ts"
import { makeNatsConsumer } from "./NatsConsumer.ts"
import type { StreamSettings } from "./StreamSettings.ts"

it.live.each(["workQueue", "broadcast"] as const)(
  "the lag of a consumer of a %s is told until it has caught up",
  (retention) =>
    Effect.gen(function* () {
      const nats = yield* Nats
      const stream: StreamSettings = { name: "LAG", subject: "lag.a", retention, maxAge: Duration.hours(1) }
      const lag = consumerLag(nats, stream, "worker")
      yield* eventually(nats.ensureStream(stream))
      yield* nats.ensureStream({ ...stream, subject: "lag.other" })
      const publish = (subject: string, id: string) => nats.publish(subject, new Uint8Array(), { id })
      assert.isDefined((yield* Effect.flip(lag)).code)
      yield* publish("lag.other", "not ours")
      yield* Effect.forEach(["1", "2", "3"], (id) => publish("lag.a", id))
      const { next } = yield* makeNatsConsumer({ stream, durable: "worker", ackWait: Duration.seconds(30) })

      yield* (yield* next).ack
      const refused = yield* next
      yield* refused.nak(Duration.zero)
      const held = [yield* next]
      if (held[0]?.id === "3") held.push(yield* next)
      const busy = yield* eventually(
        Effect.flatMap(lag, (found) => (found.redelivered === 1 ? Effect.succeed(found) : Effect.fail(found))),
      )
      assert.strictEqual(busy.pending + busy.inFlight, 2)
      assert.isAbove(busy.oldestSeconds, 0)
      assert.isBelow(busy.oldestSeconds, 60)

      if (held.length === 1) held.push(yield* next)
      yield* Effect.forEach(held, ({ ack }) => ack)
      const idle = { pending: 0, inFlight: 0, redelivered: 0, oldestSeconds: 0 }
      yield* eventually(
        Effect.flatMap(lag, (found) =>
          found.pending + found.inFlight === 0 ? Effect.succeed(found) : Effect.fail(found),
        ),
      ).pipe(Effect.map((found) => assert.deepStrictEqual(found, idle)))
    }).pipe(Effect.provide(Layer.provideMerge(testConnection, TestNats.layer))),
)
