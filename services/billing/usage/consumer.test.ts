import { toBinary } from "@bufbuild/protobuf"
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as SqlClient from "effect/sql/SqlClient"
import { type RequestBatch, RequestBatchSchema } from "#gen/authsome/proxy/v1/events_pb.ts"
import { consume } from "#shared/events/Consumer.ts"
import { eventContract } from "#shared/events/EventContract.ts"
import { Inbox } from "#shared/events/Inbox.ts"
import { Nats } from "#shared/nats/Nats.ts"
import * as Database from "#shared/postgres/Database.ts"
import { Redis } from "#shared/redis/Redis.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestRedis } from "#shared/testing/TestRedis.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import { activeAt, batchOf, requestAt } from "../testing/exampleBatch.ts"
import * as Relay from "../testing/Relay.ts"
import * as UsageConsumer from "./consumer.ts"
import { Usage } from "./Usage.ts"
import { batches } from "./UsageMetrics.ts"
import { periodOf } from "./UsagePeriod.ts"
import { totalOf } from "./WorkspaceUsage.ts"

const stream = eventContract(RequestBatchSchema)

/** NATS with nothing in it. A server for each test: of a consumer that has ended, requests for messages stay behind. */
const FreshNats = Layer.unwrap(Effect.map(TestNats, ({ url }) => Nats.layer({ url, name: "test" }))).pipe(
  Layer.provide([TestNats.layer, Readiness.layer]),
)

/** What a consumer needs besides. */
const Backing = Layer.mergeAll(Usage.layer, Inbox.layer).pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      TestDatabase.sql("billing"),
      Layer.unwrap(Effect.map(TestRedis, ({ url }) => Redis.layer({ url }))).pipe(Layer.provide(TestRedis.layer)),
    ),
  ),
  Layer.provide(Readiness.layer),
  Layer.provideMerge(Logger.layer([])),
)

const publishBytes = (id: string, bytes: Uint8Array) =>
  Effect.gen(function* () {
    const nats = yield* Nats
    yield* eventually(nats.ensureStream(stream))
    yield* nats.publish(stream.subject, bytes, { id })
  })
const publish = (id: string, batch: RequestBatch) => publishBytes(id, toBinary(RequestBatchSchema, batch))

/** Waits until every batch was acknowledged. */
const acknowledged = eventually(
  Effect.gen(function* () {
    const nats = yield* Nats
    const { state } = yield* nats.use(({ manager }) => manager.streams.info(stream.name))
    if (state.messages > 0) yield* Effect.fail("batches wait")
  }),
)

const figures = Effect.fnUntraced(function* (workspaceId: string) {
  const usage = yield* Usage
  return totalOf((yield* usage.ofWorkspace(workspaceId, periodOf(yield* Clock.currentTimeMillis))).applications)
})

const tenant = (name: string) => ({ workspaceId: `ws_${name}`, applicationId: `app_${name}` })

layer(Backing, { excludeTestServices: true })("the consumer of batches", (it) => {
  it.effect("counts a batch once, however many messages carry it", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const ids = tenant("repeated")
      const sent = ["a", "b", "c"].map((id) => batchOf(`repeated-${id}`, [activeAt(now, "usr_1", ids)]))
      yield* Effect.forEach([1, 2, 3], (time) =>
        Effect.forEach(sent, (batch) => publish(`${batch.batchId}-${time}`, batch)),
      )
      yield* acknowledged
      assert.deepInclude(yield* figures(ids.workspaceId), { requests: 3n, bytesSent: 3000n, mauExact: 1n })
    }).pipe(Effect.provide(Layer.provideMerge(UsageConsumer.layer, FreshNats))),
  )

  it.effect("counts a batch once when it dies after the commit and the batch comes again", () => {
    let tries = 0
    const dying = consume(RequestBatchSchema, {
      durable: UsageConsumer.durable,
      handle: (message) =>
        Effect.andThen(
          UsageConsumer.countBatch(message),
          Effect.suspend(() => (++tries < 3 ? Effect.die("after the commit") : Effect.void)),
        ),
    })
    return Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const ids = tenant("dying")
      yield* publish("dying", batchOf("dying", [activeAt(now, "usr_1", ids), requestAt(now, ids)]))
      yield* acknowledged
      assert.strictEqual(tries, 3)
      assert.deepInclude(yield* figures(ids.workspaceId), { requests: 2n, bytesSent: 2000n, mauExact: 1n })
    }).pipe(Effect.provide(Layer.provideMerge(dying, FreshNats)))
  })

  it.effect("keeps what cannot be counted as a dead letter, and counts what comes behind it", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const sql = yield* SqlClient.SqlClient
      const ids = tenant("behind")
      const long = Duration.toMillis("100 days")
      const before = Number((yield* Metric.value(batches("dead"))).count)
      yield* publishBytes("garbage", Buffer.from("not a batch"))
      yield* publish("empty", batchOf("empty", []))
      yield* publish("status", batchOf("status", [requestAt(now, ids), requestAt(now, { ...ids, status: 1000 })]))
      yield* publish("negative", batchOf("negative", [requestAt(now, { ...ids, bytesSent: -1n })]))
      yield* publish("timeless", batchOf("timeless", [{ ...requestAt(now, ids), occurredAt: undefined }]))
      yield* publish("old", batchOf("old", [requestAt(now - long, ids)]))
      yield* publish("ahead", batchOf("ahead", [requestAt(now + long, ids)]))
      yield* publish("good", batchOf("good", [requestAt(now, ids)]))
      yield* acknowledged
      const letters = yield* sql<{ readonly messageId: string; readonly reason: string }>`
        SELECT message_id, reason FROM dead_letters WHERE consumer = 'billing' ORDER BY message_id`
      assert.deepStrictEqual(
        letters.map(({ messageId }) => messageId),
        ["ahead", "empty", "garbage", "negative", "old", "status", "timeless"],
      )
      assert.include(letters.find(({ messageId }) => messageId === "status")?.reason, "events[1].status")
      assert.strictEqual(Number((yield* Metric.value(batches("dead"))).count) - before, 7)
      assert.deepInclude(yield* figures(ids.workspaceId), { requests: 1n })
    }).pipe(Effect.provide(Layer.provideMerge(UsageConsumer.layer, FreshNats))),
  )

  it.effect("waits for a database that is away, and gives no batch up for it", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const sql = yield* SqlClient.SqlClient
      const ids = tenant("away")
      const { url } = yield* TestDatabase
      const relay = yield* Relay.make(url)
      const consumer = UsageConsumer.layer.pipe(
        Layer.provide([Layer.fresh(Usage.layer), Layer.fresh(Inbox.layer)]),
        Layer.provide(Database.layer({ url: relay.url, applicationName: "away" })),
        Layer.provide(Readiness.layer),
      )
      yield* Effect.gen(function* () {
        yield* publish("away-0", batchOf("away-0", [requestAt(now, ids)]))
        yield* acknowledged
        yield* relay.close
        yield* Effect.forEach([1, 2, 3, 4, 5, 6], (at) =>
          publish(`away-${at}`, batchOf(`away-${at}`, [requestAt(now, ids)])),
        )
        yield* eventually(Effect.suspend(() => (relay.refused() > 10 ? Effect.void : Effect.fail("not tried yet"))))
        yield* relay.open
        yield* acknowledged
      }).pipe(Effect.provide(consumer))
      assert.deepInclude(yield* figures(ids.workspaceId), { requests: 7n })
      assert.deepStrictEqual(yield* sql`SELECT 1 FROM dead_letters WHERE message_id LIKE 'away%'`, [])
    }).pipe(Effect.scoped, Effect.provide(FreshNats)),
  )
})
