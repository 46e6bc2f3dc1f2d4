import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { Nats } from "../nats/Nats.ts"
import { RequestId } from "../telemetry/RequestId.ts"
import { eventually } from "../testing/eventually.ts"
import { testConnection, testEvents } from "../testing/TestEvents.ts"
import { TestNats } from "../testing/TestServers.ts"
import { consume, type EventMeta, subscribe } from "./Consumer.ts"
import { eventContract } from "./EventContract.ts"

import { job, news } from "./fixtures/testEvents.ts"
import { Inbox } from "./Inbox.ts"
import { Outbox } from "./Outbox.ts"
import * as OutboxRelay from "./OutboxRelay.ts"

const Job = job("WORK")
const News = news("NEWS")

const append = (value: string, schema: typeof Job = Job) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const outbox = yield* Outbox
    yield* sql.withTransaction(outbox.append(schema, { value }, { aggregate: "a" }))
  })

/** Everything but the consumer of the test. */
const mesh = Layer.provideMerge(Layer.provide(OutboxRelay.layer, Layer.fresh(testConnection)), testEvents("billing"))

/** Waits until the list has so many entries. */
const reaches = (list: ReadonlyArray<unknown>, length: number) =>
  eventually(
    Effect.suspend(() => (list.length >= length ? Effect.void : Effect.fail(`${list.length} of ${length}`))),
    "20 seconds",
  )

/** Waits until every job that was appended has been published and acknowledged. */
const settled = eventually(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const waiting = yield* sql`SELECT 1 FROM outbox WHERE published_at IS NULL`
    const { use } = yield* Nats
    const { state } = yield* use(({ manager }) => manager.streams.info(eventContract(Job).name))
    return waiting.length + state.messages === 0 ? undefined : yield* Effect.fail("some are left")
  }),
  "20 seconds",
)

const deadLetters = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ readonly reason: string; readonly deliveries: number; readonly subject: string }>`
    SELECT reason, deliveries, subject FROM dead_letters`,
)

describe("a consumer", () => {
  it.live("handles what was appended, under the request and the trace that caused it", () => {
    const seen: Array<{ readonly value: string; readonly meta: EventMeta; readonly within: unknown }> = []
    const consumer = consume(Job, {
      durable: "tester",
      handle: ({ value }, meta) =>
        Effect.gen(function* () {
          const { traceId } = yield* Effect.orDie(Effect.currentSpan)
          seen.push({ value, meta, within: { requestId: yield* RequestId, traceId } })
        }),
    })
    return Effect.gen(function* () {
      const traceId = yield* Effect.currentSpan.pipe(
        Effect.tap(append("x")),
        Effect.map((span) => span.traceId),
        Effect.withSpan("deciding"),
        Effect.provideService(RequestId, "req_12345678"),
      )
      yield* reaches(seen, 1)
      assert.match(seen[0]?.meta.id ?? "", /^evt_/)
      assert.deepInclude(seen[0], { value: "x", within: { requestId: "req_12345678", traceId } })
      assert.deepInclude(seen[0]?.meta, { requestId: "req_12345678", redelivered: false })
      yield* settled
    }).pipe(Effect.provide(Layer.provideMerge(consumer, mesh)))
  })

  it.live("tries again what fails or dies, and changes the database once", () => {
    let attempts = 0
    const consumer = consume(Job, {
      durable: "tester",
      handle: ({ value }, meta) =>
        Effect.gen(function* () {
          const inbox = yield* Inbox
          const sql = yield* SqlClient.SqlClient
          yield* inbox.once(meta.id, Effect.orDie(sql`INSERT INTO handled (value) VALUES (${value})`))
          attempts++
          if (attempts === 1) return yield* Effect.fail("after the commit")
          if (attempts === 2) return yield* Effect.die("after the commit, again")
          assert.isTrue(meta.redelivered)
        }),
    })
    const table = Layer.effectDiscard(
      Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE handled (value text)`),
    )
    return Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* append("x")
      yield* settled
      assert.strictEqual(attempts, 3)
      assert.deepStrictEqual(yield* sql`SELECT value FROM handled`, [{ value: "x" }])
      assert.deepStrictEqual(yield* deadLetters, [])
    }).pipe(Effect.provide(consumer.pipe(Layer.provideMerge(table), Layer.provideMerge(mesh))))
  })

  it.live("notes nothing when the effect fails", () =>
    Effect.gen(function* () {
      const inbox = yield* Inbox
      const sql = yield* SqlClient.SqlClient
      assert.strictEqual(yield* Effect.flip(inbox.once("m1", Effect.fail("no"))), "no")
      assert.deepStrictEqual(yield* sql`SELECT 1 FROM inbox`, [])
      assert.strictEqual((yield* inbox.once("m1", Effect.succeed("yes")))._tag, "Some")
      assert.strictEqual((yield* inbox.once("m1", Effect.succeed("yes")))._tag, "None")
    }).pipe(Effect.provide(testEvents("billing"))),
  )

  it.live("handles a message once when two deliveries meet", () =>
    Effect.gen(function* () {
      const inbox = yield* Inbox
      let ran = 0
      const effect = Effect.sync(() => ran++)
      yield* Effect.all(
        Array.from({ length: 5 }, () => inbox.once("m1", effect)),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(ran, 1)
    }).pipe(Effect.provide(testEvents("billing"))),
  )

  it.live("buries what fails too often, or cannot be read, with the reason, and goes on", () => {
    const seen: Array<string> = []
    const consumer = consume(Job, {
      durable: "tester",
      maxDeliver: 2,
      handle: ({ value }) =>
        value === "bad" ? Effect.fail(new Error("it is bad")) : Effect.sync(() => void seen.push(value)),
    })
    return Effect.gen(function* () {
      const { publish, ensureStream } = yield* Nats
      yield* eventually(ensureStream(eventContract(Job)))
      yield* publish("work.job", Buffer.from([0xff]), { id: "evt_broken" })
      yield* append("bad")
      yield* append("good")
      yield* settled
      assert.deepStrictEqual(seen, ["good"])
      assert.deepStrictEqual(yield* deadLetters, [
        { reason: "not a google.protobuf.StringValue", deliveries: 1, subject: "work.job" },
        { reason: "Error: it is bad", deliveries: 2, subject: "work.job" },
      ])
    }).pipe(Effect.provide(Layer.provideMerge(consumer, mesh)))
  })

  it.live("goes on after an outage of NATS", () => {
    const seen: Array<string> = []
    const consumer = consume(Job, {
      durable: "tester",
      concurrency: 4,
      handle: ({ value }) => Effect.sync(() => void seen.push(value)),
    })
    return Effect.gen(function* () {
      const server = yield* TestNats
      yield* append("1")
      yield* reaches(seen, 1)
      yield* server.kill
      yield* append("2")
      yield* server.start
      yield* append("3")
      yield* settled
      assert.deepStrictEqual(new Set(seen), new Set(["1", "2", "3"]))
    }).pipe(Effect.provide(Layer.provideMerge(consumer, mesh)))
  })

  it.live("that is stopped gives back what it has not finished", () => {
    const started: Array<string> = []
    const hanging = consume(Job, {
      durable: "tester",
      handle: ({ value }) =>
        Effect.andThen(
          Effect.sync(() => void started.push(value)),
          Effect.never,
        ),
    })
    const finished: Array<boolean> = []
    const finishing = consume(Job, {
      durable: "tester",
      handle: (_, { redelivered }) => Effect.sync(() => void finished.push(redelivered)),
    })
    return Effect.gen(function* () {
      yield* Effect.andThen(append("x"), reaches(started, 1)).pipe(Effect.provide(hanging))
      yield* reaches(finished, 1).pipe(Effect.provide(finishing))
      assert.deepStrictEqual(finished, [true])
    }).pipe(Effect.provide(mesh))
  })
})

describe("a subscriber", () => {
  it.live("in every process sees what is published from now on, in order", () => {
    const seen: [Array<string>, Array<string>] = [[], []]
    const process = (index: 0 | 1) =>
      Layer.provide(
        subscribe(News, ({ value }) =>
          value === "odd" && seen[index].length === 0
            ? Effect.die("a failure that is logged and tried again, then passed over")
            : Effect.sync(() => void seen[index].push(value)),
        ),
        Layer.fresh(testConnection),
      )
    return Effect.gen(function* () {
      const { ensureStream, use } = yield* Nats
      yield* eventually(ensureStream(eventContract(News)))
      yield* append("before", News)
      yield* eventually(
        Effect.flatMap(
          use(({ manager }) => manager.streams.info("NEWS")),
          ({ state }) => (state.messages === 1 ? Effect.void : Effect.fail("not published")),
        ),
      )
      yield* Effect.gen(function* () {
        yield* eventually(
          Effect.flatMap(
            use(({ manager }) => manager.streams.info("NEWS")),
            ({ state }) => (state.consumer_count === 2 ? Effect.void : Effect.fail("not listening")),
          ),
        )
        yield* Effect.forEach(["odd", "one", "two"], (value) => append(value, News))
        yield* Effect.all([reaches(seen[0], 2), reaches(seen[1], 2)], { concurrency: "unbounded" })
        assert.deepStrictEqual(seen, [
          ["one", "two"],
          ["one", "two"],
        ])
      }).pipe(Effect.provide(Layer.mergeAll(process(0), process(1))))
    }).pipe(Effect.provide(mesh))
  })
})
