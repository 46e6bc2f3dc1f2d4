import { it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { eventually } from "../testing/eventually.ts"
import { testConnection } from "../testing/TestEvents.ts"
import { TestNats } from "../testing/TestServers.ts"
import { Nats } from "./Nats.ts"
import { makeNatsConsumer } from "./NatsConsumer.ts"
it.live("probe", () => Effect.gen(function* () {
  const nats = yield* Nats
  const server = yield* TestNats
  const stream = { name: "P", subject: "p.a", retention: "workQueue" as const, maxAge: Duration.hours(1) }
  yield* eventually(nats.ensureStream(stream))
  const { next } = yield* makeNatsConsumer({ stream, durable: "w", ackWait: Duration.seconds(30) })
  const got: Array<string> = []
  for (let i = 0; i < 4; i++) yield* Effect.forkScoped(Effect.forever(Effect.flatMap(next, (m) => Effect.andThen(Effect.sync(() => void got.push(m.id + "/" + m.deliveries)), m.ack))))
  for (let i = 0; i < 12; i++) {
    yield* Effect.sleep("300 millis")
    if (i % 2 === 0) { yield* server.kill } else { yield* server.stop }
    yield* server.start
    const ids = [1,2,3,4,5,6].map((k) => `${i}-${k}`)
    const t0 = performance.now()
    yield* Effect.forEach(ids, (id) => eventually(nats.publish("p.a", new Uint8Array(), { id })), { concurrency: 6 })
    yield* eventually(Effect.suspend(() => ids.every((id) => got.some((g) => g.startsWith(id + "/"))) ? Effect.void : Effect.fail("wait")), "60 seconds")
    console.log("round", i, Math.round(performance.now() - t0), "ms", got.filter((g) => !g.endsWith("/1")).join())
  }
}).pipe(Effect.provide(Layer.provideMerge(testConnection, TestNats.layer))), 300000)
