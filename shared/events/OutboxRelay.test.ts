import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { Nats } from "../nats/Nats.ts"
import { eventually } from "../testing/eventually.ts"
import { testConnection, testEvents } from "../testing/TestEvents.ts"
import { TestNats } from "../testing/TestServers.ts"
import { eventContract } from "./EventContract.ts"

import { job, news } from "./fixtures/testEvents.ts"
import { Outbox } from "./Outbox.ts"
import * as OutboxRelay from "./OutboxRelay.ts"

const Job = job("RELAY")

/** One process that relays, with a connection of its own. */
const relay = Layer.fresh(Layer.provide(OutboxRelay.layer, Layer.fresh(testConnection)))

const append = (value: string, aggregate: string, schema = Job) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const outbox = yield* Outbox
    yield* sql.withTransaction(outbox.append(schema, { value }, { aggregate }))
  })

const waiting = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return (yield* sql`SELECT 1 FROM outbox WHERE published_at IS NULL`).length
})

const allPublished = eventually(
  Effect.flatMap(waiting, (count) => (count === 0 ? Effect.void : Effect.fail(`${count} are waiting`))),
  "20 seconds",
)

/** The texts of the stream, in its order. */
const stored = (stream: string) =>
  Effect.gen(function* () {
    const { use } = yield* Nats
    const { state } = yield* use(({ manager }) => manager.streams.info(stream))
    const messages = yield* Effect.forEach(Array.from({ length: state.messages }), (_, index) =>
      use(({ manager }) => manager.streams.getMessage(stream, { seq: state.first_seq + index })),
    )
    return messages.map(({ data }) => Buffer.from(data).subarray(2).toString())
  })

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

  it.live("of several processes publishes each event once, and in order", () =>
    Effect.gen(function* () {
      yield* Effect.forEach(
        ["a", "b", "c", "d"],
        (aggregate) =>
          Effect.forEach(Array.from({ length: 50 }), (_, index) => append(`${aggregate}${index}`, aggregate)),
        { concurrency: "unbounded" },
      )
      yield* allPublished
      const texts = yield* stored("RELAY")
      for (const aggregate of ["a", "b", "c", "d"]) {
        assert.deepStrictEqual(
          texts.filter((text) => text.startsWith(aggregate)),
          Array.from({ length: 50 }, (_, index) => `${aggregate}${index}`),
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

  it.live("leaves a full stream alone, keeps its events, and goes on with the others", () =>
    Effect.gen(function* () {
      const { ensureStream, use } = yield* Nats
      yield* eventually(ensureStream(eventContract(Job)))
      yield* use(({ manager }) => manager.streams.update("RELAY", { max_msgs: 1 }))
      yield* Effect.forEach(["1", "2", "3"], (value) => append(value, "a"))
      yield* append("news", "b", news("RELAY_NEWS"))
      yield* eventually(
        Effect.flatMap(stored("RELAY_NEWS"), (texts) => (texts.length === 1 ? Effect.void : Effect.fail(texts))),
      )
      assert.strictEqual(yield* waiting, 2)
      yield* use(({ manager }) => manager.streams.update("RELAY", { max_msgs: -1 }))
      yield* allPublished
      assert.deepStrictEqual(yield* stored("RELAY"), ["1", "2", "3"])
    }).pipe(Effect.provide(Layer.provideMerge(relay, testEvents("billing")))),
  )
})
