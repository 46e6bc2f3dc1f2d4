import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Readiness } from "../runtime/Readiness.ts"
import { Backing } from "../testing/Backing.ts"
import { eventually } from "../testing/eventually.ts"
import { TestRedis } from "../testing/TestRedis.ts"
import { TestRedisServer } from "../testing/TestServers.ts"
import { Redis } from "./Redis.ts"

const redis = Layer.unwrap(Effect.map(TestRedis, ({ url }) => Redis.layer({ url }))).pipe(
  Layer.provideMerge(Readiness.layer),
  Layer.provide(TestRedis.layer),
)

/** Waits until commands get through. */
const connected = eventually(Effect.flatMap(Redis, ({ use }) => use((client) => client.ping())))

layer(redis, { excludeTestServices: true })("Redis", (it) => {
  it.effect("keeps values, for as long as it is told", () =>
    Effect.gen(function* () {
      yield* connected
      const { get, set, del, expire } = yield* Redis
      assert.isTrue(yield* set("a", "1"))
      assert.deepStrictEqual(yield* get("a"), Option.some("1"))
      assert.isFalse(yield* set("a", "2", { onlyIfAbsent: true }))
      assert.isTrue(yield* expire("a", "1 hour"))
      assert.strictEqual(yield* del("a", "b"), 1)
      assert.deepStrictEqual(yield* get("a"), Option.none())
      yield* set("brief", "x", { expiresIn: "50 millis" })
      yield* eventually(
        Effect.flatMap(get("brief"), (found) => (Option.isNone(found) ? Effect.void : Effect.fail("there"))),
      )
    }),
  )

  it.effect("counts, also what it has seen before", () =>
    Effect.gen(function* () {
      yield* connected
      const { incrBy, pfadd, pfcount } = yield* Redis
      assert.strictEqual(yield* incrBy("n", 2), 2)
      assert.strictEqual(yield* incrBy("n", 3), 5)
      assert.isTrue(yield* pfadd("seen:1", ["x", "y"]))
      assert.isFalse(yield* pfadd("seen:1", ["x"]))
      yield* pfadd("seen:2", ["y", "z"])
      assert.strictEqual(yield* pfcount("seen:1", "seen:2"), 3)
    }),
  )

  it.effect("carries messages to those who listen", () =>
    Effect.gen(function* () {
      yield* connected
      const { publish, subscribe } = yield* Redis
      const channel = "redis-test-channel"
      const heard = yield* Effect.forkChild(Stream.runCollect(Stream.take(subscribe(channel), 1)))
      yield* eventually(
        Effect.flatMap(publish(channel, "hello"), (reached) => (reached > 0 ? Effect.void : Effect.fail("nobody yet"))),
      )
      assert.deepStrictEqual(yield* Fiber.join(heard), [{ channel, message: "hello" }])
    }),
  )

  it.effect("a command that can never work is a defect, not an outage", () =>
    Effect.gen(function* () {
      yield* connected
      const { set, use } = yield* Redis
      yield* set("text", "x")
      const exit = yield* Effect.exit(use((client) => client.lpush("text", "y")))
      assert.include(String(exit), "WRONGTYPE")
      assert.strictEqual(exit._tag === "Failure" && exit.cause.reasons[0]?._tag, "Die")
    }),
  )
})

describe("without Redis", () => {
  it.live("a process starts, fails fast, says so, and goes on when it is back", () =>
    Effect.gen(function* () {
      const server = yield* TestRedisServer
      yield* server.stop
      yield* Effect.gen(function* () {
        const { get, set } = yield* Redis
        const { report } = yield* Readiness
        assert.strictEqual((yield* Effect.flip(get("a")))._tag, "RedisUnavailable")
        assert.deepStrictEqual(yield* report, { ready: true, checks: { redis: "failing" } })
        yield* server.start
        yield* eventually(set("a", "1"))
        yield* server.kill
        yield* eventually(Effect.flip(get("a")))
        yield* server.start
        yield* eventually(get("a"))
      }).pipe(Effect.provide(Layer.provideMerge(Redis.layer({ url: server.url }), Readiness.layer)))
    }).pipe(Effect.provide(TestRedisServer.layer)),
  )

  it.live("a command that takes too long is given up", () =>
    Effect.gen(function* () {
      const { redis: url } = yield* Backing
      yield* Effect.gen(function* () {
        yield* connected
        const { use } = yield* Redis
        const error = yield* Effect.flip(use((client) => client.wait(1, 2000)))
        assert.include(error.message, "timed out")
      }).pipe(
        Effect.provide(
          Layer.provide(Redis.layer({ url: Redacted.make(url), commandTimeout: "100 millis" }), Readiness.layer),
        ),
      )
    }).pipe(Effect.provide(Backing.layer)),
  )
})
