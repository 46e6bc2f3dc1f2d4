import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { Nats } from "../nats/Nats.ts"
import { RequestId } from "../telemetry/RequestId.ts"
import { append, deadLetters, mesh, reaches, relay, settled } from "../testing/EventMesh.ts"
import { eventually } from "../testing/eventually.ts"
import { testConnection, testEvents } from "../testing/TestEvents.ts"
import { TestNats } from "../testing/TestServers.ts"
import { consume } from "./Consumer.ts"
import { eventContract } from "./EventContract.ts"
import { job } from "./fixtures/testEvents.ts"
import type { EventMeta } from "./handling.ts"
import { Inbox } from "./Inbox.ts"

const Job = job("WORK")

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
        Effect.tap(append("x", Job)),
        Effect.map((span) => span.traceId),
        Effect.withSpan("deciding"),
        Effect.provideService(RequestId, "req_12345678"),
      )
      yield* reaches(seen, 1)
      assert.match(seen[0]?.meta.id ?? "", /^evt_/)
      assert.deepInclude(seen[0], { value: "x", within: { requestId: "req_12345678", traceId } })
      assert.deepInclude(seen[0]?.meta, { requestId: "req_12345678", redelivered: false })
      yield* settled(Job)
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
      yield* append("x", Job)
      yield* settled(Job)
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
      yield* append("bad", Job)
      yield* append("good", Job)
      yield* settled(Job)
      assert.deepStrictEqual(seen, ["good"])
      const letters = (yield* deadLetters).map(({ reason, deliveries, subject }) => ({ reason, deliveries, subject }))
      assert.deepStrictEqual(letters, [
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
      // The acknowledgement of the first may be lost in the crash; then it comes once more.
      ackWait: Duration.seconds(2),
      handle: ({ value }) => Effect.sync(() => void seen.push(value)),
    })
    return Effect.gen(function* () {
      const server = yield* TestNats
      yield* append("1", Job)
      yield* reaches(seen, 1)
      yield* server.kill
      yield* append("2", Job)
      yield* server.start
      yield* append("3", Job)
      yield* settled(Job)
      assert.deepStrictEqual(new Set(seen), new Set(["1", "2", "3"]))
    }).pipe(Effect.provide(Layer.provideMerge(consumer, mesh)))
  })

  it.live("handles each of many events once while NATS crashes again and again", () => {
    const consumer = () =>
      Layer.fresh(
        consume(Job, {
          durable: "tester",
          concurrency: 2,
          ackWait: Duration.seconds(2),
          handle: ({ value }, { id }) =>
            Effect.gen(function* () {
              const inbox = yield* Inbox
              const sql = yield* SqlClient.SqlClient
              yield* inbox.once(id, Effect.orDie(sql`INSERT INTO handled (value) VALUES (${value})`))
            }),
        }).pipe(Layer.provide(Layer.fresh(testConnection))),
      )
    const table = Layer.effectDiscard(
      Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE handled (value text)`),
    )
    const values = Array.from({ length: 150 }, (_, index) => String(index).padStart(3, "0"))
    return Effect.gen(function* () {
      const server = yield* TestNats
      const sql = yield* SqlClient.SqlClient
      const crashing = Effect.forEach([1, 2, 3], () =>
        Effect.gen(function* () {
          yield* eventually(Effect.flatMap(Nats, ({ use }) => use(({ manager }) => manager.getAccountInfo())))
          yield* server.kill
          yield* server.start
        }),
      )
      const appending = Effect.forEach(values, (value) => append(value, Job, value.slice(-1)))
      yield* Effect.all([appending, crashing], { concurrency: "unbounded" })
      yield* settled(Job)
      const rows = yield* sql<{ readonly value: string }>`SELECT value FROM handled ORDER BY value`
      assert.deepStrictEqual(
        rows.map(({ value }) => value),
        values,
      )
      assert.deepStrictEqual(yield* deadLetters, [])
    }).pipe(
      Effect.provide(
        Layer.mergeAll(consumer(), consumer(), relay).pipe(Layer.provideMerge(table), Layer.provideMerge(mesh)),
      ),
    )
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
      yield* Effect.andThen(append("x", Job), reaches(started, 1)).pipe(Effect.provide(hanging))
      yield* reaches(finished, 1).pipe(Effect.provide(finishing))
      assert.deepStrictEqual(finished, [true])
    }).pipe(Effect.provide(mesh))
  })
})
