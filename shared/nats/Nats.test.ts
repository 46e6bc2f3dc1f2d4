import { assert, describe, it, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { RetentionPolicy } from "nats"
import { Readiness } from "../runtime/Readiness.ts"
import { eventually } from "../testing/eventually.ts"
import { TestNats } from "../testing/TestServers.ts"
import { Nats } from "./Nats.ts"
import { makeNatsConsumer } from "./NatsConsumer.ts"
import type { StreamSettings } from "./StreamSettings.ts"

const nats = Layer.unwrap(
  Effect.map(TestNats, ({ url }) => Nats.layer({ url, name: "tester", timeout: "1 second" })),
).pipe(Layer.provideMerge(Layer.merge(TestNats.layer, Readiness.layer)))

const stream = (
  name: string,
  subject: string,
  retention: StreamSettings["retention"] = "workQueue",
): StreamSettings => ({
  name,
  subject,
  retention,
  maxAge: Duration.hours(1),
})

const text = (payload: Uint8Array) => Buffer.from(payload).toString()
const publish = (subject: string, payload: string, id = payload) =>
  Effect.flatMap(Nats, (connected) =>
    connected.publish(subject, Buffer.from(payload), { id, headers: { kind: "test" } }),
  )
const ensured = (settings: StreamSettings) =>
  eventually(Effect.flatMap(Nats, ({ ensureStream }) => ensureStream(settings)))

layer(nats, { excludeTestServices: true })("NATS", (it) => {
  it.effect("keeps a message once, however often its id is published", () =>
    Effect.gen(function* () {
      yield* ensured(stream("ONCE", "once.a"))
      assert.deepStrictEqual(yield* publish("once.a", "x"), { duplicate: false })
      assert.deepStrictEqual(yield* publish("once.a", "x"), { duplicate: true })
    }),
  )

  it.effect("a stream grows by the subjects of its events, and keeps its retention", () =>
    Effect.gen(function* () {
      const { use, ensureStream } = yield* Nats
      yield* ensured(stream("GROWS", "grows.a"))
      yield* Effect.all([ensureStream(stream("GROWS", "grows.b")), ensureStream(stream("GROWS", "grows.a"))])
      const { config } = yield* use(({ manager }) => manager.streams.info("GROWS"))
      assert.deepStrictEqual(config.subjects, ["grows.a", "grows.b"])
      assert.strictEqual(config.retention, RetentionPolicy.Workqueue)
      const exit = yield* Effect.exit(ensureStream(stream("GROWS", "grows.a", "broadcast")))
      assert.include(String(exit), "another retention")
    }),
  )

  it.effect("a message into no stream is refused, not lost in silence", () =>
    Effect.gen(function* () {
      yield* ensured(stream("SOME", "some.a"))
      assert.strictEqual((yield* Effect.flip(publish("nowhere.a", "x")))._tag, "NatsUnavailable")
      const { publish: into } = yield* Nats
      yield* Effect.flip(into("some.a", Buffer.from("x"), { id: "y", stream: "OTHER" }))
    }),
  )

  it.effect("a full queue pushes back", () =>
    Effect.gen(function* () {
      const { use } = yield* Nats
      yield* ensured(stream("FULL", "full.a"))
      yield* use(({ manager }) => manager.streams.update("FULL", { max_msgs: 1 }))
      yield* publish("full.a", "1")
      const error = yield* Effect.flip(publish("full.a", "2"))
      assert.isDefined(error.code)
    }),
  )

  it.effect("a message that is refused comes again, and one that is acknowledged does not", () =>
    Effect.gen(function* () {
      const settings = stream("AGAIN", "again.a")
      const { next } = yield* makeNatsConsumer({ stream: settings, durable: "worker", ackWait: Duration.seconds(30) })
      yield* ensured(settings)
      yield* publish("again.a", "x")
      const first = yield* next
      assert.deepStrictEqual(
        [first.id, first.deliveries, first.header("kind"), first.header("none")],
        ["x", 1, "test", undefined],
      )
      yield* first.nak(Duration.zero)
      const second = yield* next
      assert.deepStrictEqual([text(second.payload), second.deliveries], ["x", 2])
      yield* second.ack
      yield* publish("again.a", "y")
      assert.strictEqual(text((yield* next).payload), "y")
    }),
  )

  it.effect("workers of one name share the messages", () =>
    Effect.gen(function* () {
      const settings = stream("SHARE", "share.a")
      const make = makeNatsConsumer({ stream: settings, durable: "worker", ackWait: Duration.seconds(30) })
      const [one, two] = [yield* make, yield* make]
      yield* ensured(settings)
      const ids = ["1", "2", "3", "4"]
      yield* Effect.forEach(ids, (id) => publish("share.a", id))
      const got = yield* Effect.all([one.next, two.next, one.next, two.next], { concurrency: "unbounded" })
      assert.deepStrictEqual(got.map(({ id }) => id).sort(), ids)
    }),
  )

  it.effect("a process that stops has said first what it was done with", () =>
    Effect.gen(function* () {
      const settings = stream("LAST", "last.a")
      const { url } = yield* TestNats
      yield* ensured(settings)
      yield* publish("last.a", "x")
      yield* Effect.gen(function* () {
        const { next } = yield* makeNatsConsumer({ stream: settings, durable: "worker", ackWait: Duration.seconds(30) })
        yield* (yield* next).ack
      }).pipe(Effect.provide(Layer.fresh(Nats.layer({ url, name: "short-lived" }))))
      const { use } = yield* Nats
      const { num_ack_pending } = yield* use(({ manager }) => manager.consumers.info("LAST", "worker"))
      assert.strictEqual(num_ack_pending, 0)
    }),
  )

  it.effect("a message that comes for a worker that has gone is given to the next one at once", () =>
    Effect.gen(function* () {
      const settings = stream("LATE", "late.a")
      const { next } = yield* makeNatsConsumer({ stream: settings, durable: "worker", ackWait: Duration.seconds(30) })
      yield* ensured(settings)
      const { use } = yield* Nats
      const gone = yield* Effect.forkChild(next, { startImmediately: true })
      yield* eventually(
        Effect.flatMap(
          use(({ manager }) => manager.consumers.info("LATE", "worker")),
          ({ num_waiting }) => (num_waiting > 0 ? Effect.void : Effect.fail("not pulling yet")),
        ),
      )
      yield* Fiber.interrupt(gone)
      yield* publish("late.a", "x")
      assert.strictEqual((yield* next).id, "x")
    }),
  )
})

describe("without NATS", () => {
  it.live("a process starts, fails fast, says so, and goes on when it is back", () =>
    Effect.gen(function* () {
      const server = yield* TestNats
      yield* server.stop
      yield* Effect.gen(function* () {
        const { report } = yield* Readiness
        const settings = stream("BACK", "back.a")
        const { next } = yield* makeNatsConsumer({ stream: settings, durable: "worker", ackWait: Duration.seconds(30) })
        const waiting = yield* Effect.forkChild(next)
        assert.strictEqual((yield* Effect.flip(publish("back.a", "1"))).reason, "not connected")
        assert.deepStrictEqual(yield* report, { ready: true, checks: { nats: "failing" } })
        yield* server.start
        yield* ensured(settings)
        yield* publish("back.a", "1")
        yield* (yield* Fiber.join(waiting)).ack
        yield* server.kill
        const again = yield* Effect.forkChild(next)
        yield* eventually(Effect.flip(publish("back.a", "2")))
        yield* server.start
        yield* eventually(publish("back.a", "2"))
        assert.strictEqual((yield* Fiber.join(again)).id, "2")
      }).pipe(
        Effect.provide(
          Layer.provideMerge(Nats.layer({ url: server.url, name: "tester", timeout: "1 second" }), Readiness.layer),
        ),
      )
    }).pipe(Effect.provide(TestNats.layer)),
  )

  it.live("a listener misses nothing that is published while it is cut off", () =>
    Effect.gen(function* () {
      const server = yield* TestNats
      const settings = stream("NEWS", "news.a", "broadcast")
      yield* ensured(settings)
      yield* publish("news.a", "before")
      const published = yield* Clock.currentTimeMillis
      yield* eventually(
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          now > published + 5 ? Effect.void : Effect.fail("no time has passed yet"),
        ),
      )
      const { next } = yield* makeNatsConsumer({ stream: settings, ackWait: Duration.seconds(30) })
      const first = yield* Effect.forkChild(next, { startImmediately: true })
      const { use } = yield* Nats
      yield* eventually(
        Effect.flatMap(
          use(({ manager }) => manager.streams.info("NEWS")),
          ({ state }) => (state.consumer_count > 0 ? Effect.void : Effect.fail("not listening yet")),
        ),
      )
      yield* publish("news.a", "one")
      const one = yield* Fiber.join(first)
      assert.strictEqual(one.id, "one")
      yield* one.ack
      yield* publish("news.a", "two")
      yield* server.kill
      yield* server.start
      yield* eventually(publish("news.a", "three"))
      const rest = [yield* next, yield* next]
      assert.deepStrictEqual(
        rest.map(({ id }) => id),
        ["two", "three"],
      )
    }).pipe(Effect.provide(nats)),
  )
})
