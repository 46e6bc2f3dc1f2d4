import { create, toBinary } from "@bufbuild/protobuf"
import { StringValueSchema } from "@bufbuild/protobuf/wkt"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, DeadlockError, SqlError, UnknownError } from "effect/sql/SqlError"
import { Nats } from "../nats/Nats.ts"
import { makeNatsConsumer } from "../nats/NatsConsumer.ts"
import { NatsUnavailable } from "../nats/NatsUnavailable.ts"
import { RedisUnavailable } from "../redis/Redis.ts"
import { databaseAway } from "../testing/databaseAway.ts"
import { append, buried, deadLetters, mesh, publish, reaches, settled } from "../testing/EventMesh.ts"
import { eventually } from "../testing/eventually.ts"
import { consume } from "./Consumer.ts"
import { DeadLetterStore } from "./DeadLetterStore.ts"
import { Rejected } from "./Delivery.ts"
import { eventContract } from "./EventContract.ts"
import { job } from "./fixtures/testEvents.ts"
import { Inbox } from "./Inbox.ts"

const Job = job("WORK")

const handledTable = Layer.effectDiscard(
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE handled (value text)`),
)
const handledRows = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT value FROM handled ORDER BY value`)

/** Uses up deliveries of the next message without handling it, as processes do that die. */
const useUp = (deliveries: number) =>
  Effect.gen(function* () {
    const stream = eventContract(Job)
    const { next } = yield* makeNatsConsumer({ stream, durable: "tester", ackWait: Duration.seconds(30) })
    yield* Effect.forEach(Array.from({ length: deliveries }), () =>
      Effect.flatMap(next, (message) => message.nak(Duration.zero)),
    )
  })

describe("a message is not given up because of", () => {
  it.live("an outage of the database, however often it was tried meanwhile", () => {
    const tries: Array<boolean> = []
    const consumer = consume(Job, {
      durable: "tester",
      maxDeliver: 1,
      handle: ({ value }, { id, redelivered }) =>
        Effect.gen(function* () {
          tries.push(redelivered)
          const inbox = yield* Inbox
          const sql = yield* SqlClient.SqlClient
          yield* inbox.once(id, Effect.orDie(sql`INSERT INTO handled (value) VALUES (${value})`))
        }),
    })
    return Effect.gen(function* () {
      yield* databaseAway(Effect.andThen(publish(Job, "x", "evt_1"), reaches(tries, 6)))
      yield* eventually(settled(Job))
      assert.notInclude(tries, true)
      assert.deepStrictEqual(yield* handledRows, [{ value: "x" }])
      assert.deepStrictEqual(yield* deadLetters, [])
    }).pipe(Effect.provide(consumer.pipe(Layer.provideMerge(handledTable), Layer.provideMerge(mesh))))
  })

  it.live("an outage of what its handler needs, told by a failure, a defect, or the cause of one", () => {
    const sqlError = (reason: SqlError["reason"]) => new SqlError({ reason })
    const broken = { cause: new Error("broken"), message: "broken" }
    const goingDown = Object.assign(new Error("terminating connection"), { code: "57P01" })
    const outages: ReadonlyArray<Effect.Effect<never, unknown>> = [
      Effect.fail(new RedisUnavailable({ reason: "not connected" })),
      Effect.fail(new NatsUnavailable({ reason: "not connected", concern: "connection" })),
      Effect.fail(sqlError(new ConnectionError(broken))),
      Effect.die(sqlError(new DeadlockError(broken))),
      Effect.die(sqlError(new UnknownError({ ...broken, cause: goingDown }))),
      Effect.fail(new Error("cannot be stored", { cause: new RedisUnavailable({ reason: "READONLY" }) })),
    ]
    const seen: Array<boolean> = []
    const consumer = consume(Job, {
      durable: "tester",
      maxDeliver: 1,
      handle: (_, { redelivered }) => {
        seen.push(redelivered)
        return outages[seen.length - 1] ?? Effect.void
      },
    })
    return Effect.gen(function* () {
      yield* append("x", Job)
      yield* settled(Job)
      assert.deepStrictEqual(
        seen,
        Array.from({ length: outages.length + 1 }, () => false),
      )
      assert.deepStrictEqual(yield* deadLetters, [])
    }).pipe(Effect.provide(Layer.provideMerge(consumer, mesh)))
  })

  it.live("deliveries that nobody answered: it is tried before", () => {
    const seen: Array<string> = []
    const consumer = consume(Job, {
      durable: "tester",
      maxDeliver: 1,
      handle: ({ value }) => Effect.sync(() => void seen.push(value)),
    })
    return Effect.gen(function* () {
      yield* publish(Job, "x", "evt_1")
      yield* useUp(6)
      yield* settled(Job).pipe(Effect.provide(consumer))
      assert.deepStrictEqual(seen, ["x"])
      assert.deepStrictEqual(yield* deadLetters, [])
    }).pipe(Effect.provide(mesh))
  })
})

describe("a message that may be the death of a process", () => {
  it.live("is found buried by the next one, and left so", () => {
    const seen: Array<string> = []
    const consumer = consume(Job, {
      durable: "tester",
      maxDeliver: 1,
      handle: ({ value }) => Effect.sync(() => void seen.push(value)),
    })
    return Effect.gen(function* () {
      const letters = yield* DeadLetterStore
      yield* publish(Job, "x", "evt_1")
      yield* useUp(6)
      const key = { consumer: "tester", messageId: "evt_1" }
      const what = { subject: "work.job", payload: new Uint8Array(), headers: {}, deliveries: 6 }
      yield* letters.bury({ ...key, ...what, reason: "never answered" })
      yield* append("y", Job)
      yield* settled(Job).pipe(Effect.provide(consumer))
      assert.deepStrictEqual(seen, ["y"])
      assert.strictEqual((yield* deadLetters)[0]?.messageId, "evt_1")
    }).pipe(Effect.provide(mesh))
  })

  it.live("is buried while it is tried, and no longer when the process stops in order", () => {
    const started: Array<string> = []
    const hanging = consume(Job, {
      durable: "tester",
      maxDeliver: 1,
      handle: ({ value }) => {
        started.push(value)
        return Effect.never
      },
    })
    return Effect.gen(function* () {
      yield* publish(Job, "x", "evt_1")
      yield* useUp(6)
      yield* Effect.gen(function* () {
        yield* reaches(started, 1)
        assert.match((yield* deadLetters)[0]?.reason ?? "", /^never answered in 7 deliveries/)
      }).pipe(Effect.provide(hanging))
      assert.deepStrictEqual(yield* deadLetters, [])
    }).pipe(Effect.provide(mesh))
  })
})

describe("a message is given up", () => {
  it.live("under its place in the stream where it has no id, and never handled", () => {
    const seen: Array<string> = []
    const consumer = consume(Job, {
      durable: "tester",
      handle: ({ value }) => Effect.sync(() => void seen.push(value)),
    })
    return Effect.gen(function* () {
      const { use, ensureStream } = yield* Nats
      yield* eventually(ensureStream(eventContract(Job)))
      const payload = toBinary(StringValueSchema, create(StringValueSchema, { value: "nameless" }))
      yield* use(({ client }) => client.publish("work.job", payload))
      yield* use(({ client }) => client.publish("work.job", payload))
      yield* publish(Job, "unwritable", "a\tb")
      yield* publish(Job, "good", "evt_1")
      yield* settled(Job)
      assert.deepStrictEqual(seen, ["good"])
      const ids = (yield* deadLetters).map(({ messageId }) => messageId.replace(/\d+$/, ""))
      assert.deepStrictEqual(ids, ["WORK:1:", "WORK:2:", "WORK:3:"])
    }).pipe(Effect.provide(Layer.provideMerge(consumer, mesh)))
  })

  it.live("with a reason that the database would not take as it is", () => {
    const consumer = consume(Job, {
      durable: "tester",
      maxDeliver: 1,
      handle: () => Effect.fail(new Error(`half a character: \uD83D, none: \0, and ${"more ".repeat(1000)}`)),
    })
    return Effect.gen(function* () {
      yield* append("x", Job)
      const [letter] = yield* buried(1)
      assert.match(letter?.reason ?? "", /^Error: half a character: \uFFFD, none: \uFFFD, and more/)
      yield* settled(Job)
    }).pipe(Effect.provide(Layer.provideMerge(consumer, mesh)))
  })

  it.live("at once where its handler rejects it, and the others are handled", () => {
    const seen: Array<string> = []
    const consumer = consume(Job, {
      durable: "tester",
      handle: ({ value }) =>
        value === "bad"
          ? Effect.fail(new Rejected({ reason: "it is poison" }))
          : Effect.sync(() => void seen.push(value)),
    })
    return Effect.gen(function* () {
      yield* Effect.forEach(["1", "bad", "2"], (value) => append(value, Job))
      yield* settled(Job)
      assert.deepStrictEqual(seen, ["1", "2"])
      const letters = (yield* deadLetters).map(({ reason, deliveries }) => ({ reason, deliveries }))
      assert.deepStrictEqual(letters, [{ reason: "it is poison", deliveries: 1 }])
    }).pipe(Effect.provide(Layer.provideMerge(consumer, mesh)))
  })
})

it.live("a message that takes longer than the time to acknowledge is not given to anybody else", () => {
  const Other = job("WORK", "work.other")
  const seen: Array<string> = []
  return Effect.gen(function* () {
    const finish = yield* Deferred.make<void>()
    const slow = (process: string) =>
      consume(Job, {
        durable: "tester",
        ackWait: Duration.millis(600),
        handle: () => {
          seen.push(process)
          return Deferred.await(finish)
        },
      })
    yield* Effect.gen(function* () {
      yield* append("x", Job)
      yield* reaches(seen, 1)
      // Nobody holds on to this one: when it has come three times, the time to acknowledge has passed twice.
      const { next } = yield* makeNatsConsumer({
        stream: eventContract(Other),
        durable: "careless",
        ackWait: Duration.millis(600),
      })
      yield* publish(Other, "y", "evt_y")
      const deliveries = [(yield* next).deliveries, (yield* next).deliveries, (yield* next).deliveries]
      assert.deepStrictEqual(deliveries, [1, 2, 3])
      assert.strictEqual(seen.length, 1)
      yield* Deferred.succeed(finish, undefined)
      yield* eventually(
        Effect.flatMap(Nats, ({ use }) =>
          Effect.flatMap(
            use(({ manager }) => manager.consumers.info("WORK", "tester")),
            ({ num_ack_pending }) => (num_ack_pending === 0 ? Effect.void : Effect.fail("not acknowledged")),
          ),
        ),
      )
      assert.strictEqual(seen.length, 1)
    }).pipe(Effect.provide(Layer.mergeAll(Layer.fresh(slow("one")), Layer.fresh(slow("two")))))
  }).pipe(Effect.provide(mesh))
})
