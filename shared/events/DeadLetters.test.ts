import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { Nats } from "../nats/Nats.ts"
import { RequestId } from "../telemetry/RequestId.ts"
import { append, buried, deadLetters, mesh, publish, reaches, settled } from "../testing/EventMesh.ts"
import { eventually } from "../testing/eventually.ts"
import { TestNats } from "../testing/TestServers.ts"
import { consume } from "./Consumer.ts"
import { DeadLetterStore } from "./DeadLetterStore.ts"
import { DeadLetters } from "./DeadLetters.ts"
import { Rejected } from "./Delivery.ts"
import { job, news } from "./fixtures/testEvents.ts"
import { Inbox } from "./Inbox.ts"
import { subscribe } from "./Subscriber.ts"

const Job = job("WORK")
const News = news("NEWS")

/** A consumer that rejects everything until it is mended. */
const mendable = (durable = "tester", schema = Job) => {
  const seen: Array<string> = []
  const state = { mended: false }
  const layer = consume(schema, {
    durable,
    handle: ({ value }, { id, redelivered, requestId }) => {
      if (!state.mended) return Effect.fail(new Rejected({ reason: "it is broken" }))
      seen.push([value, id, redelivered, requestId].join(" "))
      return Effect.void
    },
  })
  return { seen, state, layer }
}

const withLetters = Layer.provideMerge(DeadLetters.layer, mesh)

describe("a dead letter that is replayed", () => {
  it.live("is handled once after its consumer was mended, as the event that it was", () => {
    const { seen, state, layer } = mendable()
    return Effect.gen(function* () {
      const letters = yield* DeadLetters
      yield* Effect.provideService(append("x", Job), RequestId, "req_12345678")
      const [letter] = yield* buried(1)
      const key = { consumer: "tester", messageId: letter?.messageId ?? "" }
      state.mended = true
      yield* letters.replay(key)
      yield* reaches(seen, 1)
      yield* settled(Job)
      assert.deepStrictEqual(seen, [`x ${key.messageId} true req_12345678`])
      assert.deepStrictEqual(yield* deadLetters, [])
      assert.strictEqual((yield* Effect.flip(letters.replay(key)))._tag, "DeadLetterNotFound")
    }).pipe(Effect.provide(Layer.provideMerge(layer, withLetters)))
  })

  it.live("does not do again what was done before it was given up", () => {
    let mended = false
    const consumer = consume(Job, {
      durable: "tester",
      maxDeliver: 1,
      handle: ({ value }, { id }) =>
        Effect.gen(function* () {
          const inbox = yield* Inbox
          const sql = yield* SqlClient.SqlClient
          yield* inbox.once(id, Effect.orDie(sql`INSERT INTO handled (value) VALUES (${value})`))
          if (!mended) return yield* Effect.fail("after the commit")
        }),
    })
    const table = Layer.effectDiscard(
      Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE handled (value text)`),
    )
    return Effect.gen(function* () {
      const letters = yield* DeadLetters
      const sql = yield* SqlClient.SqlClient
      yield* append("x", Job)
      yield* buried(1)
      mended = true
      assert.deepStrictEqual(yield* letters.replayAll({}, 10), { replayed: 1, left: 0 })
      yield* settled(Job)
      assert.deepStrictEqual(yield* sql`SELECT value FROM handled`, [{ value: "x" }])
      assert.deepStrictEqual(yield* deadLetters, [])
    }).pipe(Effect.provide(consumer.pipe(Layer.provideMerge(table), Layer.provideMerge(withLetters))))
  })

  it.live("that fails again is given up again, as often as it takes", () => {
    const { seen, state, layer } = mendable()
    return Effect.gen(function* () {
      const letters = yield* DeadLetters
      const store = yield* DeadLetterStore
      yield* publish(Job, "x", "evt_1")
      yield* buried(1)
      const key = { consumer: "tester", messageId: "evt_1" }
      for (const _ of [1, 2, 3]) {
        const before = (yield* store.get(key)).failedMicros
        yield* letters.replay(key)
        yield* eventually(
          Effect.flatMap(store.get(key), ({ failedMicros }) =>
            failedMicros > before ? Effect.void : Effect.fail("not given up again"),
          ),
        )
      }
      state.mended = true
      yield* letters.replay(key)
      yield* reaches(seen, 1)
      yield* settled(Job)
      assert.deepStrictEqual(yield* deadLetters, [])
    }).pipe(Effect.provide(Layer.provideMerge(layer, withLetters)))
  })

  it.live("is not lost if it is given up again before its replay is noted", () =>
    Effect.gen(function* () {
      const store = yield* DeadLetterStore
      const key = { consumer: "tester", messageId: "evt_1" }
      const letter = {
        ...key,
        subject: "work.job",
        payload: new Uint8Array(),
        headers: {},
        reason: "old",
        deliveries: 1,
      }
      yield* store.bury(letter)
      const published = yield* Deferred.make<void>()
      const noted = yield* Deferred.make<void>()
      const replaying = yield* Effect.forkChild(
        store.take(key, () => Effect.andThen(Deferred.succeed(published, undefined), Deferred.await(noted))),
      )
      yield* Deferred.await(published)
      const again = yield* Effect.forkChild(store.bury({ ...letter, reason: "new" }), { startImmediately: true })
      const looking = yield* Effect.forkChild(store.isBuried(key), {
        startImmediately: true,
      })
      yield* Deferred.succeed(noted, undefined)
      yield* Effect.all([Fiber.join(replaying), Fiber.join(again), Fiber.join(looking)])
      assert.strictEqual((yield* store.get(key)).reason, "new")
    }).pipe(Effect.provide(mesh)),
  )

  it.live("is nobody else's business", () => {
    const broken = mendable("broken", News)
    const well = mendable("well", News)
    well.state.mended = true
    const heard: Array<string> = []
    const listener = subscribe(News, ({ value }) => Effect.sync(() => void heard.push(value)))
    return Effect.gen(function* () {
      const letters = yield* DeadLetters
      yield* publish(News, "x", "evt_1")
      yield* Effect.all([buried(1), reaches(well.seen, 1), reaches(heard, 1)])
      broken.state.mended = true
      yield* letters.replay({ consumer: "broken", messageId: "evt_1" })
      yield* reaches(broken.seen, 1)
      yield* publish(News, "y", "evt_2")
      yield* Effect.all([reaches(well.seen, 2), reaches(heard, 2)])
      assert.deepStrictEqual(heard, ["x", "y"])
      assert.deepStrictEqual(
        well.seen.map((text) => text.split(" ")[0]),
        ["x", "y"],
      )
    }).pipe(Effect.provide(Layer.mergeAll(broken.layer, well.layer, listener).pipe(Layer.provideMerge(withLetters))))
  })

  it.live("stays where NATS is away, the stream is full, or nobody would handle it", () => {
    const { layer } = mendable()
    return Effect.gen(function* () {
      const letters = yield* DeadLetters
      const store = yield* DeadLetterStore
      const server = yield* TestNats
      const { use } = yield* Nats
      yield* publish(Job, "x", "evt_1")
      yield* buried(1)
      const key = { consumer: "tester", messageId: "evt_1" }
      yield* use(({ manager }) => manager.streams.update("WORK", { max_msgs: 1 }))
      yield* publish(job("WORK", "work.other"), "nobody takes this", "evt_2")
      assert.strictEqual((yield* Effect.flip(letters.replay(key)))._tag, "NatsUnavailable")
      yield* server.kill
      assert.strictEqual((yield* Effect.flip(letters.replayAll({}, 10)))._tag, "NatsUnavailable")
      const stranger = { consumer: "stranger", messageId: "evt_1" }
      yield* store.bury({
        ...{ ...stranger, subject: "work.job", payload: new Uint8Array() },
        ...{ headers: {}, reason: "", deliveries: 1 },
      })
      assert.strictEqual((yield* Effect.flip(letters.replay(stranger)))._tag, "ConsumerGone")
      assert.strictEqual((yield* deadLetters).length, 2)
    }).pipe(Effect.provide(Layer.provideMerge(layer, withLetters)))
  })
})

describe("dead letters", () => {
  it.live("are listed newest first, page by page, and replayed oldest first", () => {
    const { seen, state, layer } = mendable()
    const values = ["1", "2", "3", "4", "5"]
    return Effect.gen(function* () {
      const letters = yield* DeadLetters
      yield* Effect.forEach(values, (value) => publish(Job, value, `evt_${value}`))
      yield* buried(5)
      const pages: Array<ReadonlyArray<string>> = []
      let page = yield* letters.list({}, undefined, 2)
      for (; Option.isSome(page.next); page = yield* letters.list({}, page.next.value, 2)) {
        pages.push(page.letters.map(({ messageId }) => messageId))
      }
      pages.push(page.letters.map(({ messageId }) => messageId))
      assert.deepStrictEqual(pages, [["evt_5", "evt_4"], ["evt_3", "evt_2"], ["evt_1"]])

      const found = (filter: Parameters<typeof letters.list>[0]) =>
        Effect.map(letters.list(filter, undefined, 10), (some) => some.letters.length)
      assert.strictEqual(yield* found({ consumer: "tester", subject: "work.job" }), 5)
      assert.strictEqual(yield* found({ messageId: "evt_3" }), 1)
      assert.strictEqual(yield* found({ consumer: "nobody" }), 0)
      assert.strictEqual(yield* found({ subject: "work.other" }), 0)

      state.mended = true
      assert.deepStrictEqual(yield* letters.replayAll({ consumer: "nobody" }, 10), { replayed: 0, left: 0 })
      assert.deepStrictEqual(yield* letters.replayAll({ consumer: "tester" }, 3), { replayed: 3, left: 2 })
      assert.deepStrictEqual(yield* letters.replayAll({}, 10), { replayed: 2, left: 0 })
      yield* reaches(seen, 5)
      assert.deepStrictEqual(
        seen.map((text) => text.split(" ")[0]),
        values,
      )
    }).pipe(Effect.provide(Layer.provideMerge(layer, withLetters)))
  })

  it.live("are opened with their message as JSON, if it can be read, and dismissed for ever", () => {
    const { layer } = mendable()
    return Effect.gen(function* () {
      const letters = yield* DeadLetters
      const nats = yield* Nats
      yield* publish(Job, "x", "evt_1")
      yield* nats.publish("work.job", Buffer.from([0xff]), { id: "evt_2" })
      yield* buried(2)
      const readable = yield* letters.open({ consumer: "tester", messageId: "evt_1" })
      assert.deepStrictEqual(readable.json, Option.some('"x"'))
      assert.deepInclude(readable.letter, { reason: "it is broken", deliveries: 1, sizeBytes: 3 })
      const unreadable = yield* letters.open({ consumer: "tester", messageId: "evt_2" })
      assert.deepStrictEqual([unreadable.json, [...unreadable.letter.payload]], [Option.none(), [0xff]])
      assert.isTrue(yield* letters.dismiss({ consumer: "tester", messageId: "evt_1" }))
      assert.isFalse(yield* letters.dismiss({ consumer: "tester", messageId: "evt_1" }))
      const gone = yield* Effect.flip(letters.open({ consumer: "tester", messageId: "evt_1" }))
      assert.strictEqual(gone._tag, "DeadLetterNotFound")
    }).pipe(Effect.provide(Layer.provideMerge(layer, withLetters)))
  })
})
