import { fromBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { type RequestBatch, RequestBatchSchema } from "#gen/authsome/proxy/v1/events_pb.ts"
import { eventContract } from "#shared/events/EventContract.ts"
import { Nats } from "#shared/nats/Nats.ts"
import { Redis } from "#shared/redis/Redis.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestNats, TestRedisServer } from "#shared/testing/TestServers.ts"
import { ProxyInstance } from "../stats/ProxyInstance.ts"
import { TestControlPlane } from "../testing/TestControlPlane.ts"
import { answerOk, TestInstance } from "../testing/TestInstance.ts"
import * as TestProxy from "../testing/TestProxy.ts"
import { Meter } from "./Meter.ts"
import type { ServedRequest } from "./ServedRequest.ts"

const World = Layer.provideMerge(
  Layer.unwrap(Effect.map(TestRedisServer, ({ url }) => Redis.layer({ url }))).pipe(Layer.provide(Readiness.layer)),
  TestProxy.worldLayer,
)

const stream = eventContract(RequestBatchSchema)

/** Every batch that JetStream has, oldest first. */
const batches = Effect.gen(function* () {
  const nats = yield* Nats
  return yield* nats.use(async ({ manager }) => {
    const { state } = await manager.streams.info(stream.name)
    const all: Array<RequestBatch> = []
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const { data } = await manager.streams.getMessage(stream.name, { seq })
      all.push(fromBinary(RequestBatchSchema, data))
    }
    return all
  })
})

const eventsOf = (applicationId: string) =>
  Effect.map(batches, (all) =>
    all.flatMap(({ events }) => events).filter((event) => event.applicationId === applicationId),
  )

const eventually_ = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  eventually(
    Effect.flatMap(effect, (value) => (holds(value) ? Effect.succeed(value) : Effect.fail("not yet" as const))),
    "20 seconds",
  )

const world = Effect.gen(function* () {
  const controlPlane = yield* TestControlPlane
  const instance = yield* TestInstance
  instance.answer = answerOk
  const key = yield* controlPlane.application(instance.url)
  return { controlPlane, instance, key }
})

layer(World, { excludeTestServices: true })("usage", (it) => {
  it.effect("tells billing of every request that was passed on, as it was", () =>
    Effect.gen(function* () {
      const { controlPlane, instance, key } = yield* world
      const proxy = yield* TestProxy.start()
      const user = `usr_${"a".repeat(26)}`
      instance.answer = (request, response) => {
        request.resume()
        response
          .writeHead(201, { "x-authsome-active-user": user, "x-authsome-route": "/auth/signup" })
          .end("0123456789")
      }
      const answer = yield* proxy.fetch(key, "/auth/signup?secret=1", { method: "POST", body: "12345" })
      yield* proxy.fetch(key, "/x", { application: "app_zzzzzzzzzzzzzzzz" })
      yield* proxy.fetch({ ...key, text: `${key.text}x` }, "/x")
      const suspended = yield* controlPlane.application(instance.url, { rateLimitPerSecond: 0 })
      yield* proxy.fetch(suspended, "/x")
      const [event] = yield* eventually_(eventsOf(key.route.applicationId), ({ length }) => length > 0)
      expect(event).toMatchObject({
        requestId: answer.headers.get("x-authsome-request-id"),
        workspaceId: key.route.workspaceId,
        method: "POST",
        route: "/auth/signup",
        status: 201,
        bytesSent: 10n,
        bytesReceived: 5n,
        userId: user,
        activeUser: true,
      })
      expect(event?.occurredAt).toBeDefined()
      expect(JSON.stringify(event, (_, value) => String(value))).not.toContain("secret")
      expect(yield* eventsOf(key.route.applicationId), "refused requests are nobody's usage").toHaveLength(1)
      expect(yield* eventsOf(suspended.route.applicationId)).toHaveLength(0)
    }),
  )

  it.effect("is counted exactly, each batch once, while NATS comes and goes", () =>
    Effect.gen(function* () {
      const { key } = yield* world
      const nats = yield* TestNats
      const proxy = yield* TestProxy.start({ meterInterval: Duration.millis(5) })
      const rpc = yield* proxy.rpc
      const send = (count: number) =>
        Effect.all(
          Array.from({ length: count }, () => proxy.fetch(key, "/session")),
          { concurrency: 16 },
        )
      let sent = 0
      for (const interrupt of [nats.stop, nats.kill, nats.stop]) {
        yield* send(150)
        yield* interrupt
        yield* send(150)
        yield* Effect.orDie(nats.start)
        sent += 300
      }
      const { metering } = yield* eventually_(rpc.getStats({}), (stats) => stats.metering?.waiting === 0)
      expect(metering).toMatchObject({ published: BigInt(sent), dropped: 0n })
      const all = yield* eventually(batches)
      const ours = all.filter(({ events }) => events[0]?.applicationId === key.route.applicationId)
      expect(new Set(ours.map(({ batchId }) => batchId)).size).toBe(ours.length)
      const requestIds = ours.flatMap(({ events }) => events.map(({ requestId }) => requestId))
      expect([requestIds.length, new Set(requestIds).size]).toEqual([sent, sent])
    }),
  )

  it.effect("that waits is sent when the process stops in order", () =>
    Effect.gen(function* () {
      const { key } = yield* world
      const scope = yield* Scope.make()
      const proxy = yield* Scope.provide(TestProxy.start({ meterInterval: Duration.hours(1) }), scope)
      for (let count = 0; count < 7; count++) yield* proxy.fetch(key, "/session")
      expect(yield* eventsOf(key.route.applicationId)).toHaveLength(0)
      yield* Scope.close(scope, Exit.void)
      expect(yield* eventsOf(key.route.applicationId)).toHaveLength(7)
    }),
  )

  it.effect("is dropped, and counted as dropped, only when more waits than there is room for", () =>
    Effect.gen(function* () {
      const nats = yield* TestNats
      yield* nats.stop
      const meter = yield* Layer.build(
        Meter.layer({ interval: Duration.millis(5), stopWithin: Duration.seconds(5), capacity: 10 }).pipe(
          Layer.provide(ProxyInstance.layer),
        ),
      ).pipe(Effect.flatMap((context) => Effect.provideContext(Meter, context)))
      const served: ServedRequest = {
        ...{ requestId: "req_1", applicationId: "app_drops", workspaceId: "ws_x", keyId: "key_x", method: "GET" },
        ...{ route: "", status: 200, durationMs: 1, bytesSent: 0, bytesReceived: 0, activeUser: "", at: 0 },
      }
      for (let count = 0; count < 30; count++) meter.record({ ...served, requestId: `req_${count}` })
      expect(meter.figures()).toEqual({ waiting: 10, published: 0, dropped: 20 })
      yield* nats.start
      yield* eventually_(Effect.sync(meter.figures), ({ published }) => published === 10)
      const ids = (yield* eventually(eventsOf("app_drops"))).map(({ requestId }) => requestId)
      expect(ids, "what came first goes first").toEqual(Array.from({ length: 10 }, (_, index) => `req_${index}`))
    }),
  )

  it.effect("shows this month's active users live, each once, for sixty days", () =>
    Effect.gen(function* () {
      const { instance, key } = yield* world
      const redis = yield* Redis
      const redisServer = yield* TestRedisServer
      const proxy = yield* TestProxy.start()
      let serial = 0
      instance.answer = (_request, response) => {
        const user = `usr_${String.fromCharCode(97 + (serial++ % 5)).repeat(26)}`
        response.writeHead(200, { "x-authsome-active-user": user }).end()
      }
      for (let count = 0; count < 10; count++) yield* proxy.fetch(key, "/auth/signin", { method: "POST" })
      const month = new Date().toISOString().slice(0, 7)
      const name = `mau:${key.route.applicationId}:${month}`
      yield* eventually_(redis.pfcount(name), (count) => count === 5)
      const ttl = yield* redis.use((client) => client.ttl(name))
      expect(ttl).toBeGreaterThan(59 * 86_400)
      expect(ttl).toBeLessThanOrEqual(60 * 86_400)
      // What Redis missed while it was away it gets afterwards.
      yield* redisServer.stop
      for (let count = 0; count < 5; count++) yield* proxy.fetch(key, "/auth/signin", { method: "POST" })
      yield* Effect.orDie(redisServer.start)
      yield* eventually_(redis.pfcount(name), (count) => count === 5)
    }),
  )

  it.effect("of keys is reported to the control plane, when that is there", () =>
    Effect.gen(function* () {
      const { controlPlane, key } = yield* world
      const proxy = yield* TestProxy.start()
      yield* proxy.fetch(key, "/session")
      const first = yield* eventually_(
        Effect.sync(() => controlPlane.uses.get(key.route.keyId) ?? 0),
        (at) => at > 0,
      )
      yield* controlPlane.stop
      yield* proxy.fetch(key, "/session")
      yield* controlPlane.start
      yield* eventually_(
        Effect.sync(() => controlPlane.uses.get(key.route.keyId) ?? 0),
        (at) => at > first,
      )
    }),
  )
})
