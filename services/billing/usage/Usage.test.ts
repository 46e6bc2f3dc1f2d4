import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as SqlClient from "effect/sql/SqlClient"
import { Redis } from "#shared/redis/Redis.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestRedisServer } from "#shared/testing/TestServers.ts"
import { activeAt, applicationId, batchOf, requestAt, workspaceId } from "../testing/exampleBatch.ts"
import { toBatch } from "./proto.ts"
import { Usage } from "./Usage.ts"
import { batches } from "./UsageMetrics.ts"
import { endOf, periodOf, UsagePeriod } from "./UsagePeriod.ts"
import { UsageStore } from "./UsageStore.ts"
import { totalOf } from "./WorkspaceUsage.ts"

const TestedRedis = Layer.unwrap(Effect.map(TestRedisServer, ({ url }) => Redis.layer({ url })))

const Tested = Layer.mergeAll(Usage.layer, UsageStore.layer).pipe(
  Layer.provideMerge(
    Layer.mergeAll(TestDatabase.sql("billing"), Layer.provideMerge(TestedRedis, TestRedisServer.layer)),
  ),
  Layer.provide(Readiness.layer),
  Layer.provideMerge(Logger.layer([])),
)

const count = (batch: ReturnType<typeof batchOf>) => Effect.flatMap(Usage, (usage) => usage.count(toBatch(batch)))
const used = (workspace: string, period: UsagePeriod) =>
  Effect.flatMap(Usage, (usage) => usage.ofWorkspace(workspace, period))
const outcomes = (outcome: Parameters<typeof batches>[0]) =>
  Effect.map(Metric.value(batches(outcome)), (state) => Number(state.count))

/** A workspace for one test, with an application. */
const tenant = (name: string) => ({ workspaceId: `ws_${name}`, applicationId: `app_${name}` })

layer(Tested, { excludeTestServices: true })("usage", (it) => {
  it.effect("a workspace of which nobody has heard has used nothing", () =>
    Effect.gen(function* () {
      const usage = yield* used("ws_unknown", UsagePeriod.make("2026-01"))
      assert.deepStrictEqual(usage.applications, [])
      assert.deepStrictEqual(totalOf(usage.applications), {
        requests: 0n,
        bytesSent: 0n,
        bytesReceived: 0n,
        mauExact: 0n,
        mauCurrent: 0n,
      })
    }),
  )

  it.effect("a batch that comes again changes nothing", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const sql = yield* SqlClient.SqlClient
      const other = `app_${"c".repeat(16)}`
      const batch = batchOf("again", [
        activeAt(now, "usr_1"),
        requestAt(now, { status: 500, bytesSent: 5n }),
        requestAt(now, { applicationId: other, status: 404 }),
      ])
      const [counted, duplicate] = [yield* outcomes("counted"), yield* outcomes("duplicate")]
      yield* Effect.forEach([1, 2, 3], () => count(batch))
      const usage = yield* used(workspaceId, periodOf(now))
      assert.deepStrictEqual(
        usage.applications.map((each) => [each.applicationId, each.requests, each.bytesSent, each.mauExact]),
        [
          [applicationId, 2n, 1005n, 1n],
          [other, 1n, 1000n, 0n],
        ],
      )
      assert.strictEqual(totalOf(usage.applications).requests, 3n)
      assert.isDefined(usage.countedAt)
      const minutes = yield* sql`
        SELECT application_id, requests, client_errors, server_errors, duration_ms,
          (SELECT sum(count)::int FROM unnest(latency_counts) AS count) AS timed
        FROM usage_minutes WHERE application_id IN (${applicationId}, ${other}) ORDER BY 1`
      assert.deepStrictEqual(minutes, [
        { applicationId, requests: 2n, clientErrors: 0n, serverErrors: 1n, durationMs: 24n, timed: 2 },
        { applicationId: other, requests: 1n, clientErrors: 1n, serverErrors: 0n, durationMs: 12n, timed: 1 },
      ])
      assert.strictEqual((yield* outcomes("counted")) - counted, 1)
      assert.strictEqual((yield* outcomes("duplicate")) - duplicate, 2)
    }),
  )

  it.effect("of many deliveries at the same time one counts", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const sql = yield* SqlClient.SqlClient
      const ids = tenant("together")
      const deliveries = Array.from({ length: 24 }, (_, at) =>
        count(batchOf(`together-${at % 3}`, [activeAt(now, `usr_${at % 3}`, ids), requestAt(now, ids)])),
      )
      yield* Effect.all(deliveries, { concurrency: "unbounded" })
      const [figures] = (yield* used(ids.workspaceId, periodOf(now))).applications
      assert.deepInclude(figures, { requests: 6n, bytesSent: 6000n, mauExact: 3n })
      const minutes = yield* sql`
        SELECT requests, (SELECT sum(count) FROM unnest(latency_counts) AS count) AS timed
        FROM usage_minutes WHERE application_id = ${ids.applicationId}`
      assert.deepStrictEqual(minutes, [{ requests: 6n, timed: 6n }])
    }),
  )

  it.effect("a delivery waits for another one of the same batch, and counts when that one fails", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const sql = yield* SqlClient.SqlClient
      const ids = tenant("waiting")
      const noted = yield* Deferred.make<void>()
      const fail = yield* Deferred.make<never, "killed">()
      const first = yield* sql`INSERT INTO usage_batches (batch_id) VALUES ('waiting')`.pipe(
        Effect.andThen(Deferred.succeed(noted, undefined)),
        Effect.andThen(Deferred.await(fail)),
        sql.withTransaction,
        Effect.forkChild,
      )
      yield* Deferred.await(noted)
      const second = yield* Effect.forkChild(count(batchOf("waiting", [requestAt(now, ids)])))
      yield* eventually(
        Effect.flatMap(
          sql`
            SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%usage_batches%'`,
          (rows) => (rows.length === 1 ? Effect.void : Effect.fail("nobody waits")),
        ),
      )
      yield* Deferred.fail(fail, "killed")
      assert.strictEqual(yield* Effect.flip(Fiber.join(first)), "killed")
      yield* Fiber.join(second)
      assert.strictEqual(totalOf((yield* used(ids.workspaceId, periodOf(now))).applications).requests, 1n)
    }),
  )

  it.effect("a batch that cannot be counted whole leaves nothing behind", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const sql = yield* SqlClient.SqlClient
      const ids = tenant("half")
      const longest = requestAt(now, { ...ids, durationMs: 2n ** 63n - 1n })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(count(batchOf("half", [longest, longest])))))
      assert.deepStrictEqual((yield* used(ids.workspaceId, periodOf(now))).applications, [])
      assert.deepStrictEqual(yield* sql`SELECT 1 FROM usage_batches WHERE batch_id = 'half'`, [])
    }),
  )

  it.effect("batches of the same applications in opposite orders never block one another", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const ids = tenant("order")
      const requests = Array.from({ length: 40 }, (_, at) => [
        activeAt(now, `usr_${at}`, { ...ids, applicationId: `app_order${at}` }),
        activeAt(now, `usr_${40 - at}`, { ...ids, applicationId: `app_order${at}` }),
      ]).flat()
      const deliveries = Array.from({ length: 20 }, (_, at) =>
        count(batchOf(`order-${at}`, at % 2 === 0 ? requests : requests.toReversed())),
      )
      yield* Effect.all(deliveries, { concurrency: "unbounded" })
      const { applications } = yield* used(ids.workspaceId, periodOf(now))
      assert.strictEqual(totalOf(applications).requests, 20n * 80n)
    }),
  )

  it.effect("a batch across the end of a month counts in each month what happened in it", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const ids = tenant("monthend")
      const month = periodOf(now)
      const start = Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1)
      const before = periodOf(start - 1)
      assert.strictEqual(endOf(before), start)
      yield* count(
        batchOf("monthend", [
          activeAt(start - 2, "usr_1", ids),
          activeAt(start - 1, "usr_2", ids),
          activeAt(start, "usr_1", ids),
        ]),
      )
      const figures = (period: UsagePeriod) =>
        Effect.map(used(ids.workspaceId, period), ({ applications }) => totalOf(applications))
      assert.deepInclude(yield* figures(before), { requests: 2n, mauExact: 2n })
      assert.deepInclude(yield* figures(month), { requests: 1n, mauExact: 1n })
    }),
  )

  it.effect("an end user counts once a month and application, and is kept as a hash only", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const sql = yield* SqlClient.SqlClient
      const ids = tenant("users")
      yield* Effect.forEach(["users-1", "users-2"], (id) =>
        count(
          batchOf(id, [
            activeAt(now, "usr_ada", ids),
            activeAt(now, "usr_ada", ids),
            activeAt(now, `usr_of_${id}`, ids),
            activeAt(now, "usr_ada", { ...ids, applicationId: "app_users2" }),
            requestAt(now, { ...ids, userId: "usr_passive" }),
            requestAt(now, { ...ids, activeUser: true }),
          ]),
        ),
      )
      const { applications } = yield* used(ids.workspaceId, periodOf(now))
      assert.deepStrictEqual(
        applications.map(({ mauExact }) => mauExact),
        [3n, 1n],
      )
      const rows =
        yield* sql`SELECT 1 FROM mau WHERE user_hash = sha256('usr_ada') AND application_id LIKE 'app_users%'`
      assert.strictEqual(rows.length, 2)
    }),
  )

  it.effect("the live estimate leads, and the exact figure stands in where it is lower, lost or away", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const redis = yield* Redis
      const server = yield* TestRedisServer
      const ids = tenant("live")
      const month = periodOf(now)
      const key = `mau:${ids.applicationId}:${month}`
      const current = Effect.map(used(ids.workspaceId, month), ({ applications }) => totalOf(applications).mauCurrent)
      yield* count(batchOf("live", [activeAt(now, "usr_1", ids), activeAt(now, "usr_2", ids)]))
      assert.strictEqual(yield* current, 2n)
      yield* eventually(redis.pfadd(key, ["usr_1", "usr_2", "usr_3"]))
      assert.strictEqual(yield* current, 3n)
      yield* redis.del(key)
      yield* redis.pfadd(key, ["usr_3"])
      assert.strictEqual(yield* current, 2n)
      yield* server.kill
      assert.strictEqual(yield* current, 2n)
    }),
  )

  it.effect("a batch of another time is refused whole", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const ids = tenant("late")
      const late = now - Duration.toMillis("91 days")
      const error = yield* Effect.flip(count(batchOf("late", [requestAt(now, ids), requestAt(late, ids)])))
      assert.deepInclude(error, { _tag: "BatchOutOfTime", batchId: "late" })
      assert.deepStrictEqual((yield* used(ids.workspaceId, periodOf(now))).applications, [])
    }),
  )

  it.effect("the sweep forgets what is old enough and nothing else", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* UsageStore
      yield* sql`INSERT INTO usage_batches (batch_id, received_at)
        SELECT 'old-' || n, now() - interval '101 days' FROM generate_series(1, 25000) AS n`
      yield* sql`INSERT INTO usage_batches (batch_id, received_at) VALUES ('young', now() - interval '99 days')`
      yield* sql`INSERT INTO usage_minutes
        SELECT 'app_swept', date_trunc('minute', now(), 'UTC') - age * interval '1 day', 1, 0, 0, 0, 0, '{}'
        FROM unnest(ARRAY[30, 32]) AS age`
      yield* store.sweepBatches(Duration.days(100))
      yield* store.sweepMinutes(Duration.days(31))
      const left = yield* sql`SELECT batch_id FROM usage_batches WHERE received_at < now() - interval '1 day'`
      assert.deepStrictEqual(left, [{ batchId: "young" }])
      assert.strictEqual((yield* sql`SELECT 1 FROM usage_minutes WHERE application_id = 'app_swept'`).length, 1)
    }),
  )
})
