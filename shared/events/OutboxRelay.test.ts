import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { Nats } from "../nats/Nats.ts"
import { makeNatsConsumer } from "../nats/NatsConsumer.ts"
import { Readiness } from "../runtime/Readiness.ts"
import { databaseAway } from "../testing/databaseAway.ts"
import { allPublished, append as decide, relay, stored, waiting } from "../testing/EventMesh.ts"
import { eventually } from "../testing/eventually.ts"
import { testEvents } from "../testing/TestEvents.ts"
import { TestNats } from "../testing/TestServers.ts"
import { eventContract } from "./EventContract.ts"
import { job, news } from "./fixtures/testEvents.ts"
import * as OutboxRelay from "./OutboxRelay.ts"
import { OutboxStore } from "./OutboxStore.ts"

const Job = job("RELAY")

const append = (value: string, aggregate: string, schema = Job) => decide(value, schema, aggregate)

/** A process that relays, and keeps its streams to so many bytes. */
const limitedRelay = (maxBytes: number | undefined) =>
  Layer.provide(
    OutboxRelay.layer,
    Layer.unwrap(Effect.map(TestNats, ({ url }) => Nats.layer({ url, name: "tester", limits: { maxBytes } }))).pipe(
      Layer.provide(Readiness.layer),
    ),
  )

describe("the relay", () => {
  it.live("publishes what commits, in order for each aggregate", () =>
    Effect.gen(function* () {
      yield* Effect.forEach(["a1", "b1", "a2", "a3", "b2"], (value) => append(value, value.charAt(0)))
      yield* allPublished
      const texts = yield* stored("RELAY")
      assert.deepStrictEqual(
        texts.filter((text) => text.startsWith("a")),
        ["a1", "a2", "a3"],
      )
      assert.deepStrictEqual(
        texts.filter((text) => text.startsWith("b")),
        ["b1", "b2"],
      )
      yield* append("news", "c", news("RELAY_NEWS"))
      yield* allPublished
      assert.deepStrictEqual(yield* stored("RELAY_NEWS"), ["news"])
    }).pipe(Effect.provide(Layer.provideMerge(relay, testEvents("billing")))),
  )

  it.live("keeps events through an outage of NATS, and their order", () =>
    Effect.gen(function* () {
      const server = yield* TestNats
      const values = Array.from({ length: 30 }, (_, index) => `${index}`)
      yield* append("before", "a")
      yield* allPublished
      yield* server.kill
      yield* Effect.forEach(values, (value) => append(value, "a"))
      assert.strictEqual(yield* waiting, values.length)
      yield* server.start
      yield* allPublished
      assert.deepStrictEqual(yield* eventually(stored("RELAY")), ["before", ...values])
    }).pipe(Effect.provide(Layer.provideMerge(relay, testEvents("billing")))),
  )

  it.live("of several processes publishes each event once, and in order, over many batches and crashes of NATS", () =>
    Effect.gen(function* () {
      const server = yield* TestNats
      const { use } = yield* Nats
      const aggregates = ["a", "b", "c", "d", "e", "f"]
      const deciding = Effect.forEach(
        aggregates,
        (aggregate) =>
          Effect.forEach(Array.from({ length: 100 }), (_, index) => append(`${aggregate}${index}`, aggregate)),
        { concurrency: "unbounded" },
      )
      const crashing = Effect.forEach([1, 2, 3], () =>
        Effect.gen(function* () {
          yield* eventually(use(({ manager }) => manager.streams.info("RELAY")))
          yield* server.kill
          yield* server.start
        }),
      )
      yield* append("first", "z")
      yield* Effect.all([deciding, crashing], { concurrency: "unbounded" })
      yield* allPublished
      const texts = yield* eventually(stored("RELAY"))
      for (const aggregate of aggregates) {
        assert.deepStrictEqual(
          texts.filter((text) => text.startsWith(aggregate) && text !== "first"),
          Array.from({ length: 100 }, (_, index) => `${aggregate}${index}`),
        )
      }
    }).pipe(Effect.provide(Layer.provideMerge(Layer.mergeAll(relay, relay, relay), testEvents("billing")))),
  )

  it.live("of several processes keeps the order when their connections to the database break", () =>
    Effect.gen(function* () {
      const server = yield* TestNats
      const aggregates = ["a", "b", "c"]
      const values = Array.from({ length: 150 }, (_, index) => index)
      yield* server.stop
      yield* Effect.forEach(
        aggregates,
        (aggregate) => Effect.forEach(values, (value) => append(`${aggregate}${value}`, aggregate)),
        { concurrency: "unbounded" },
      )
      yield* server.start
      yield* Effect.forEach([1, 2, 3, 4], () => databaseAway(Effect.void))
      yield* allPublished
      const texts = yield* eventually(stored("RELAY"))
      for (const aggregate of aggregates) {
        assert.deepStrictEqual(
          texts.filter((text) => text.startsWith(aggregate)),
          values.map((value) => `${aggregate}${value}`),
        )
      }
    }).pipe(Effect.provide(Layer.provideMerge(Layer.mergeAll(relay, relay, relay), testEvents("billing")))),
  )

  it.live("that died between publishing and noting it does not publish twice", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* append("x", "a")
      yield* allPublished
      yield* sql`UPDATE outbox SET published_at = NULL`
      yield* append("y", "a")
      yield* allPublished
      assert.deepStrictEqual(yield* stored("RELAY"), ["x", "y"])
    }).pipe(Effect.provide(Layer.provideMerge(relay, testEvents("billing")))),
  )

  it.live.each([
    ["messages", 3, undefined],
    ["bytes", -1, 1200],
  ] as const)(
    "waits for room in a stream full of %s, loses nothing, and goes on with the others",
    ([, messages, bytes]) =>
      Effect.gen(function* () {
        const { ensureStream, use } = yield* Nats
        const stream = eventContract(Job)
        yield* eventually(ensureStream(stream))
        yield* use(({ manager }) => manager.streams.update("RELAY", { max_msgs: messages }))
        const values = Array.from({ length: 12 }, (_, index) => `${index}`)
        yield* Effect.forEach(values, (value) => append(value.padStart(100), "a"))
        yield* append("news", "a", news("RELAY_NEWS"))
        yield* eventually(
          Effect.flatMap(stored("RELAY_NEWS"), (texts) => (texts.length === 1 ? Effect.void : Effect.fail(texts))),
        )
        // What was stored a moment ago is noted as published in a moment.
        yield* eventually(
          Effect.gen(function* () {
            const kept = (yield* stored("RELAY")).length
            const left = yield* waiting
            return kept < values.length && kept + left === values.length ? undefined : yield* Effect.fail([kept, left])
          }),
        )
        const { next } = yield* makeNatsConsumer({ stream, durable: "worker", ackWait: Duration.seconds(30) })
        const handled = yield* Effect.forEach(values, () =>
          Effect.flatMap(next, ({ ack, payload }) =>
            Effect.as(ack, Buffer.from(payload).subarray(2).toString().trim()),
          ),
        )
        assert.deepStrictEqual(handled, values)
        yield* allPublished
      }).pipe(Effect.provide(Layer.provideMerge(limitedRelay(bytes), testEvents("billing")))),
  )

  it.live("lets a message that no server would take wait with its aggregate, and goes on with the others", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { insert } = yield* OutboxStore
      const stream = eventContract(Job)
      const huge = { id: "evt_huge", stream, aggregate: "a", payload: new Uint8Array(1_500_000), headers: {} }
      yield* sql.withTransaction(insert(huge))
      yield* append("behind", "a")
      const reads = (texts: ReadonlyArray<string>) =>
        eventually(
          Effect.flatMap(stored("RELAY"), (found) =>
            found.join() === texts.join() ? Effect.void : Effect.fail(found.join()),
          ),
        )
      yield* append("beside", "b")
      yield* reads(["beside"])
      yield* append("beside, later", "b")
      yield* reads(["beside", "beside, later"])
      yield* eventually(
        Effect.flatMap(waiting, (count) => (count === 2 ? Effect.void : Effect.fail(`${count} are waiting`))),
      )
      yield* sql`DELETE FROM outbox WHERE id = 'evt_huge'`
      yield* reads(["beside", "beside, later", "behind"])
    }).pipe(Effect.provide(Layer.mergeAll(relay, OutboxStore.layer).pipe(Layer.provideMerge(testEvents("billing"))))),
  )
})
