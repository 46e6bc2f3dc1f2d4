import { expect, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { makeToken } from "#shared/crypto/Token.ts"
import { Redis } from "#shared/redis/Redis.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestRedisServer } from "#shared/testing/TestServers.ts"
import { TestControlPlane, type TestKey } from "../testing/TestControlPlane.ts"
import { TestInstance } from "../testing/TestInstance.ts"
import * as TestProxy from "../testing/TestProxy.ts"

type Proxy = Effect.Success<ReturnType<typeof TestProxy.start>>

const World = Layer.provideMerge(
  Layer.unwrap(Effect.map(TestRedisServer, ({ url }) => Redis.layer({ url }))).pipe(Layer.provide(Readiness.layer)),
  TestProxy.worldLayer,
)

const application = Effect.gen(function* () {
  const controlPlane = yield* TestControlPlane
  const instance = yield* TestInstance
  yield* controlPlane.start
  return yield* controlPlane.application(instance.url)
})

const status = (proxy: Proxy, key: TestKey) => Effect.map(proxy.fetch(key, "/session"), (answer) => answer.status)

const becomes = (proxy: Proxy, key: TestKey, expected: number) =>
  eventually(Effect.flatMap(status(proxy, key), (now) => (now === expected ? Effect.succeed(now) : Effect.fail(now))))

const routeStats = (proxy: Proxy) =>
  Effect.flatMap(proxy.rpc, (rpc) => rpc.getStats({})).pipe(
    Effect.map(({ routes }) => routes),
    Effect.scoped,
    Effect.orDie,
  )

/** Waits until the proxy listens to changes: what is announced before, it never hears of. */
const listens = (proxy: Proxy) =>
  Effect.gen(function* () {
    const controlPlane = yield* TestControlPlane
    const { applicationId } = (yield* application).route
    yield* eventually(
      Effect.gen(function* () {
        yield* controlPlane.announce(applicationId)
        const stats = yield* routeStats(proxy)
        if (stats?.changesReceived === 0n) return yield* Effect.fail("not yet")
      }),
    )
  })

const sharedKey = ({ route, digest }: TestKey) => `route:${route.applicationId}:${digest.toString("hex")}`

const isShared = (key: TestKey) =>
  Effect.gen(function* () {
    const redis = yield* Redis
    return yield* eventually(Effect.flatMap(redis.get(sharedKey(key)), Effect.fromOption))
  })

layer(World, { excludeTestServices: true })("what a key opens", (it) => {
  it.effect("is asked of the control plane once, however many ask, and shared by all proxies", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const [first, second] = [yield* TestProxy.start(), yield* TestProxy.start()]
      const key = yield* application
      const release = yield* controlPlane.hold
      const requests = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 20 }, () => status(first, key)),
          { concurrency: "unbounded" },
        ),
      )
      yield* eventually(Effect.suspend(() => (controlPlane.asked(key) === 0 ? Effect.fail("not yet") : Effect.void)))
      yield* release
      expect(new Set(yield* Fiber.join(requests))).toEqual(new Set([200]))
      yield* isShared(key)
      expect(yield* status(second, key)).toBe(200)
      expect(controlPlane.asked(key)).toBe(1)
      expect(yield* routeStats(second)).toMatchObject({ cacheHits: 1n, resolved: 0n, entries: 1 })
    }),
  )

  it.effect("can be neither read nor forged in Redis", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const redis = yield* Redis
      const proxy = yield* TestProxy.start()
      const key = yield* application
      yield* status(proxy, key)
      const sealed = yield* isShared(key)
      expect(sealed).not.toContain(key.route.workspaceId)
      const names = yield* redis.use((client) => client.keys("*"))
      for (const name of names) {
        const value = yield* redis.get(name)
        expect(`${name} ${JSON.stringify(value)}`).not.toContain(key.text)
      }
      const revoked = yield* controlPlane.key(key, "sk")
      controlPlane.revoke(revoked)
      for (const forged of [sealed, "{}", "v1.routes.AAAA"]) {
        yield* redis.set(sharedKey(revoked), forged)
        const fresh = yield* TestProxy.start()
        expect(yield* status(fresh, revoked)).toBe(401)
      }
    }),
  )

  it.effect("ends when the control plane announces it, in every proxy and in Redis", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const redis = yield* Redis
      const [first, second] = [yield* TestProxy.start(), yield* TestProxy.start()]
      const key = yield* application
      const other = yield* controlPlane.key(key, "sk")
      for (const proxy of [first, second]) {
        yield* listens(proxy)
        expect(yield* status(proxy, key)).toBe(200)
        expect(yield* status(proxy, other)).toBe(200)
      }
      yield* isShared(key)
      const asked = controlPlane.asked(other)
      controlPlane.revoke(key)
      yield* controlPlane.announce(key.route.applicationId, [key])
      yield* becomes(first, key, 401)
      yield* becomes(second, key, 401)
      yield* eventually(
        Effect.flatMap(redis.get(sharedKey(key)), (left) => (left._tag === "None" ? Effect.void : Effect.fail(left))),
      )
      expect(yield* status(first, other)).toBe(200)
      expect(controlPlane.asked(other), "a key that the change does not name is not asked about again").toBe(asked)

      controlPlane.change(key, {})
      yield* controlPlane.announce(key.route.applicationId, [key])
      yield* becomes(first, key, 200)

      controlPlane.revoke(key)
      controlPlane.revoke(other)
      yield* controlPlane.announce(key.route.applicationId)
      yield* becomes(first, key, 401)
      yield* becomes(first, other, 401)
    }),
  )

  it.effect("is not what an answer says that is older than an announced change", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const proxy = yield* TestProxy.start()
      const key = yield* application
      const received = Effect.map(routeStats(proxy), (stats) => stats?.changesReceived ?? 0n)
      yield* listens(proxy)
      const release = yield* controlPlane.hold
      const request = yield* Effect.forkChild(status(proxy, key))
      yield* eventually(Effect.suspend(() => (controlPlane.asked(key) === 0 ? Effect.fail("not yet") : Effect.void)))
      controlPlane.revoke(key)
      const before = yield* received
      yield* controlPlane.announce(key.route.applicationId, [key])
      yield* eventually(Effect.flatMap(received, (count) => (count > before ? Effect.void : Effect.fail("not yet"))))
      yield* release
      expect(yield* Fiber.join(request)).toBe(401)
      expect(controlPlane.asked(key)).toBe(2)
    }),
  )

  it.effect("goes on for known keys while the control plane is away, and only for them", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const proxy = yield* TestProxy.start({ routeTtl: Duration.millis(20) })
      const key = yield* application
      const unknown = yield* controlPlane.key(key, "sk")
      yield* listens(proxy)
      const forged = { ...key, text: Redacted.value(yield* makeToken(`sk_live_${key.route.applicationId.slice(4)}_`)) }
      expect(yield* status(proxy, key)).toBe(200)
      yield* isShared(key)
      yield* controlPlane.stop
      yield* eventually(
        Effect.gen(function* () {
          expect(yield* status(proxy, key)).toBe(200)
          const stats = yield* routeStats(proxy)
          if (stats?.staleHits === 0n) return yield* Effect.fail("not yet")
        }),
      )
      expect(yield* proxy.metric('authsome_proxy_verdicts_total{level="stale"}')).toBeGreaterThan(0)
      const afterRestart = yield* TestProxy.start({ routeTtl: Duration.millis(1) })
      // A new process knows it from Redis, as soon as it has a connection.
      yield* becomes(afterRestart, key, 200)
      for (const each of [unknown, forged]) {
        const answer = yield* proxy.fetch(each, "/session")
        expect([answer.status, JSON.parse(answer.text).error.reason]).toEqual([503, "unavailable"])
      }
      controlPlane.change(key, {})
      yield* controlPlane.announce(key.route.applicationId, [key])
      yield* becomes(proxy, key, 503)
      yield* controlPlane.start
      yield* becomes(proxy, key, 200)
      expect([yield* status(proxy, unknown), yield* status(proxy, forged)]).toEqual([200, 401])
    }),
  )

  it.effect("does not go on for ever", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const proxy = yield* TestProxy.start({
        routeTtl: Duration.millis(20),
        routeMaxStaleness: Duration.millis(500),
      })
      const key = yield* application
      expect(yield* status(proxy, key)).toBe(200)
      yield* controlPlane.stop
      yield* becomes(proxy, key, 503)
      yield* controlPlane.start
      yield* becomes(proxy, key, 200)
    }),
  )

  it.effect("is found without Redis, and changes that Redis missed are made up for", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const redis = yield* Redis
      const server = yield* TestRedisServer
      const proxy = yield* TestProxy.start()
      const key = yield* application
      yield* listens(proxy)
      expect(yield* status(proxy, key)).toBe(200)
      yield* isShared(key)
      // It answers nobody for a while, and then goes on with what it had.
      yield* redis.use((client) => client.call("CLIENT", "PAUSE", "1500", "ALL"))
      controlPlane.revoke(key)
      yield* controlPlane.announce(key.route.applicationId, [key])
      yield* becomes(proxy, key, 401)
      yield* eventually(
        Effect.flatMap(redis.get(sharedKey(key)), (left) => (left._tag === "None" ? Effect.void : Effect.fail(left))),
      )
      yield* server.stop
      const other = yield* application
      expect(yield* status(proxy, other)).toBe(200)
      yield* server.start
    }),
  )

  it.effect("is forgotten on demand", () =>
    Effect.gen(function* () {
      const controlPlane = yield* TestControlPlane
      const proxy = yield* TestProxy.start()
      const rpc = yield* proxy.rpc
      const [key, other] = [yield* application, yield* application]
      for (const each of [key, other]) {
        yield* status(proxy, each)
        yield* isShared(each)
      }
      const target = { case: "applicationId", value: key.route.applicationId } as const
      expect((yield* rpc.purgeRoutes({ target })).purged).toBe(1)
      yield* status(proxy, key)
      yield* status(proxy, other)
      expect([controlPlane.asked(key), controlPlane.asked(other)]).toEqual([2, 1])
      yield* isShared(key)
      expect((yield* rpc.purgeRoutes({ target: { case: "all", value: true } })).purged).toBe(2)
      yield* status(proxy, other)
      expect(controlPlane.asked(other)).toBe(2)
    }),
  )
})
