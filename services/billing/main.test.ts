import { readFileSync } from "node:fs"
import { type DescService, toBinary } from "@bufbuild/protobuf"
import { timestampMs } from "@bufbuild/protobuf/wkt"
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { nanos } from "nats"
import { PlanService } from "#gen/authsome/billing/v1/price_pb.ts"
import { UsageService } from "#gen/authsome/billing/v1/usage_pb.ts"
import { type RequestBatch, RequestBatchSchema } from "#gen/authsome/proxy/v1/events_pb.ts"
import { eventContract } from "#shared/events/EventContract.ts"
import { Nats } from "#shared/nats/Nats.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestRedis } from "#shared/testing/TestRedis.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import * as BillingProcess from "./testing/BillingProcess.ts"
import { activeAt, applicationId, batchOf, requestAt, workspaceId } from "./testing/exampleBatch.ts"
import * as Relay from "./testing/Relay.ts"
import { durable } from "./usage/consumer.ts"
import { endOf, periodOf } from "./usage/UsagePeriod.ts"

const stream = eventContract(RequestBatchSchema)

/** Everything that a process needs, for one test. */
const Backing = Layer.mergeAll(
  TestDatabase.sql("billing"),
  TestRedis.layer,
  Layer.provideMerge(
    Layer.unwrap(Effect.map(TestNats, ({ url }) => Nats.layer({ url, name: "test" }))),
    TestNats.layer,
  ),
).pipe(Layer.provide(Readiness.layer), Layer.provideMerge(Logger.layer([])))

const publish = (batch: RequestBatch) =>
  Effect.gen(function* () {
    const nats = yield* Nats
    yield* eventually(nats.ensureStream(stream))
    yield* nats.publish(stream.subject, toBinary(RequestBatchSchema, batch), { id: batch.batchId })
  })

/** How many batches the queue still keeps. */
const waiting = Effect.gen(function* () {
  const nats = yield* Nats
  return (yield* nats.use(({ manager }) => manager.streams.info(stream.name))).state.messages
})

/** Waits until every batch was acknowledged. */
const acknowledged = eventually(
  Effect.flatMap(waiting, (count) => (count === 0 ? Effect.void : Effect.fail("batches wait"))),
)

/** A client of the process that shows the key. */
const clientOf = <S extends DescService>(service: S, mesh: URL, key = BillingProcess.internalKey) =>
  Effect.map(Channel.make({ url: mesh, peer: "control-plane", internalKey: key }), (channel) =>
    Client.make(service, channel),
  )

const natsUrl = Effect.map(TestNats, ({ url }) => ({ NATS_URL: Redacted.value(url) }))

layer(Backing, { excludeTestServices: true })("the billing process", (it) => {
  it.effect("counts what the proxy publishes and tells it to the mesh, and to nobody else", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const billing = yield* BillingProcess.start(yield* natsUrl)
      yield* billing.ready
      const usage = yield* clientOf(UsageService, billing.mesh)
      yield* publish(batchOf("one", [activeAt(now, "usr_1"), requestAt(now, { bytesSent: 5n })]))
      yield* publish(batchOf("two", [activeAt(now, "usr_1")]))
      yield* acknowledged

      const answer = yield* usage.getUsage({ workspaceId, period: periodOf(now) })
      const totals = { requests: 3n, sentBytes: 2005n, mauExact: 1n, mauCurrent: 1n, storageBytes: 0n }
      assert.deepInclude(answer.totals, totals)
      assert.strictEqual(answer.applications.length, 1)
      assert.strictEqual(answer.applications[0]?.applicationId, applicationId)
      assert.deepInclude(answer.applications[0]?.totals, totals)
      assert.isUndefined(answer.estimate)
      assert.strictEqual(answer.billingAt && timestampMs(answer.billingAt), endOf(periodOf(now)))
      assert.isDefined(answer.countedAt)
      assert.strictEqual((yield* usage.getUsage({ workspaceId })).period, periodOf(yield* Clock.currentTimeMillis))

      for (const period of ["2026-13", "2026", "9999-12"]) {
        const refusal = yield* Effect.flip(usage.getUsage({ workspaceId, period }))
        assert.strictEqual(refusal._tag, "InvalidRequest")
        assert.deepStrictEqual(
          refusal.violations?.map(({ field }) => field),
          ["period"],
        )
      }
      assert.strictEqual((yield* Effect.flip(usage.estimateCost({ workspaceId })))._tag, "Unimplemented")
      const plans = yield* clientOf(PlanService, billing.mesh)
      assert.strictEqual((yield* Effect.flip(plans.listPlans({})))._tag, "Unimplemented")
      const stranger = yield* clientOf(UsageService, billing.mesh, Redacted.make("wrong"))
      assert.strictEqual((yield* Effect.flip(stranger.getUsage({ workspaceId })))._tag, "Unauthenticated")
      const unsigned = yield* Effect.promise(() =>
        fetch(`${billing.outside}/webhooks/stripe`, { method: "POST", body: "{}" }),
      )
      assert.strictEqual(unsigned.status, 401)

      assert.deepStrictEqual(yield* billing.metrics("authsome_billing_batches_total"), [
        'authsome_billing_batches_total{outcome="counted"} 2',
      ])
      assert.deepStrictEqual(yield* billing.metrics("authsome_billing_events_total"), [
        "authsome_billing_events_total 3",
      ])
      yield* billing.process.signal("SIGTERM")
      assert.deepStrictEqual(yield* billing.process.ended, { code: 0, signal: null })
      assert.notInclude(readFileSync(billing.process.log, "utf8"), "usr_1")
    }).pipe(Effect.scoped),
  )

  it.effect("counts exactly when it is killed between the commit and the acknowledgement", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const ids = { workspaceId: `ws_${"d".repeat(26)}`, applicationId: `app_${"d".repeat(16)}` }
      const nats = yield* Nats
      const relay = yield* Relay.make((yield* TestNats).url)
      const first = yield* BillingProcess.start({ NATS_URL: Redacted.value(relay.url) })
      yield* first.ready
      yield* publish(batchOf("killed", [activeAt(now, "usr_1", ids), activeAt(now, "usr_2", ids)]))
      yield* relay.swallowedFrom("PUB $JS.ACK.")
      yield* first.process.signal("SIGKILL")
      assert.deepStrictEqual(yield* first.process.ended, { code: null, signal: "SIGKILL" })
      assert.strictEqual(yield* waiting, 1)

      const second = yield* BillingProcess.start(yield* natsUrl)
      yield* second.ready
      // The server waits half a minute for the acknowledgement of the dead; here it is told to wait for a second.
      yield* eventually(
        Effect.gen(function* () {
          yield* nats.use(({ manager }) => manager.consumers.update(stream.name, durable, { ack_wait: nanos(1000) }))
          if ((yield* waiting) > 0) yield* Effect.fail("the batch waits")
        }),
      )
      assert.deepStrictEqual(yield* second.metrics("authsome_billing_batches_total"), [
        'authsome_billing_batches_total{outcome="duplicate"} 1',
      ])
      const usage = yield* clientOf(UsageService, second.mesh)
      const { totals } = yield* usage.getUsage({ workspaceId: ids.workspaceId, period: periodOf(now) })
      assert.deepInclude(totals, { requests: 2n, sentBytes: 2000n, mauExact: 2n })
    }).pipe(Effect.scoped),
  )

  it.effect("starts and answers while NATS and Redis are away", () =>
    Effect.gen(function* () {
      const nowhere = yield* Relay.make(Redacted.make("nats://127.0.0.1:1"))
      yield* nowhere.close
      const port = new URL(Redacted.value(nowhere.url)).port
      const billing = yield* BillingProcess.start({
        NATS_URL: `nats://127.0.0.1:${port}`,
        REDIS_URL: `redis://127.0.0.1:${port}`,
      })
      yield* billing.ready
      const usage = yield* clientOf(UsageService, billing.mesh)
      const { totals } = yield* usage.getUsage({ workspaceId: "ws_unknown", period: "2026-01" })
      assert.deepInclude(totals, { requests: 0n, mauCurrent: 0n })
    }).pipe(Effect.scoped),
  )

  it.effect("says in one sentence which variable is missing or malformed", () =>
    Effect.gen(function* () {
      const sentences = [
        [{ NATS_URL: "http://127.0.0.1" }, "billing cannot start: NATS_URL is malformed"],
        [{ NATS_URL: "nats://127.0.0.1", INTERNAL_GRPC_API_KEY: "short" }, "INTERNAL_GRPC_API_KEY is malformed"],
        [{}, "billing cannot start: NATS_URL is missing."],
      ] as const
      for (const [environment, sentence] of sentences) {
        const billing = yield* BillingProcess.start(environment)
        assert.deepStrictEqual(yield* billing.process.ended, { code: 1, signal: null })
        assert.include(readFileSync(billing.process.log, "utf8"), sentence)
      }
    }).pipe(Effect.scoped),
  )
})
