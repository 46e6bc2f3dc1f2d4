import { assert, describe, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import type * as Redacted from "effect/Redacted"
import { Redis } from "../../redis/Redis.ts"
import { Readiness } from "../../runtime/Readiness.ts"
import { eventually } from "../../testing/eventually.ts"
import { TestRedis } from "../../testing/TestRedis.ts"
import { TestRedisServer } from "../../testing/TestServers.ts"
import { RateLimits } from "../RateLimits.ts"
import * as SharedLimits from "./SharedLimits.ts"

/** Three at once, and for the length of a test no more. */
const three = { burst: 3, perMinute: 1 }
const options = { program: "tests", rates: { CREDENTIAL: three } }

/** One process of the program, with a connection of its own. */
const processAt = (url: Redacted.Redacted<string>) =>
  Layer.build(
    Layer.fresh(SharedLimits.layer(options)).pipe(
      Layer.provideMerge(Layer.fresh(Redis.layer({ url }))),
      Layer.provide(Readiness.layer),
    ),
  ).pipe(
    Effect.map((context) => ({ limits: Context.get(context, RateLimits), redis: Context.get(context, Redis) })),
    Effect.tap(({ redis }) => eventually(redis.get("any"))),
    Effect.map(({ limits, redis }) => ({
      redis,
      limits,
      /** Whether one more call is allowed. */
      take: (subject: string) => Effect.map(limits.take("CREDENTIAL", three, subject), ({ allowed }) => allowed),
    })),
  )

const countAlone = Effect.map(Metric.snapshot, (all) => {
  const state = all.find(({ id }) => id === "rpc_rate_limits_alone_total")?.state
  return state !== undefined && "count" in state ? Number(state.count) : 0
})

layer(TestRedis.layer, { excludeTestServices: true })("the processes of a program", (it) => {
  it.effect("count together, and keep nothing of whom they count but a digest, for as long as it says something", () =>
    Effect.gen(function* () {
      const { url } = yield* TestRedis
      const [one, other] = [yield* processAt(url), yield* processAt(url)]
      const { use } = one.redis
      const before = yield* countAlone
      const allowed: Array<boolean> = []
      for (const { take } of [one, other, one, other, one]) allowed.push(yield* take("user ada@example.com"))
      assert.deepStrictEqual(allowed, [true, true, true, false, false])
      assert.isTrue(yield* other.take("user bob@example.com"))
      assert.strictEqual(yield* countAlone, before)
      const keys = yield* use((client) => client.keys("*"))
      assert.lengthOf(keys, 2)
      for (const key of keys) {
        assert.match(key, /^rate:tests:credential:[\w-]{22}$/)
        const left = yield* use((client) => client.pttl(key))
        assert.isTrue(left > 0 && left <= 3 * 60_000 + 1, `${left} ms`)
      }
    }).pipe(Effect.scoped),
  )

  it.effect("are told by one clock what is left and when to come again", () =>
    Effect.gen(function* () {
      const { url } = yield* TestRedis
      const { take } = (yield* processAt(url)).limits
      const rate = { burst: 2, perMinute: 60_000 }
      const first = yield* take("DEFAULT", rate, "carl")
      assert.deepStrictEqual([first.allowed, first.limit, first.remaining, first.retryAfterMs], [true, 2, 1, 0])
      // A thousand a second: as many as time has brought are allowed again.
      yield* take("DEFAULT", rate, "carl")
      yield* eventually(
        Effect.filterOrFail(take("DEFAULT", rate, "carl"), ({ allowed, remaining }) => allowed && remaining === 1),
      )
    }).pipe(Effect.scoped),
  )
})

describe("while Redis is away", () => {
  it.live("each process counts for itself, says so once, and nobody is refused for it", () => {
    const lines: Array<string> = []
    const log = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    const counted = (text: string) => lines.filter((line) => line.includes(text)).length
    return Effect.gen(function* () {
      const server = yield* TestRedisServer
      const { take, redis } = yield* processAt(server.url)
      const { get } = redis
      assert.isTrue(yield* take("dora"))
      yield* server.kill
      yield* eventually(Effect.flip(get("any")))
      const before = yield* countAlone
      const allowed: Array<boolean> = []
      for (let times = 0; times < 4; times++) allowed.push(yield* take("dora"))
      assert.deepStrictEqual(allowed, [true, true, true, false])
      assert.strictEqual(yield* countAlone, before + 4)
      assert.strictEqual(counted("this process counts the rates"), 1)
      yield* server.start
      yield* eventually(get("any"))
      yield* eventually(
        Effect.suspend(() => take("erna")).pipe(
          Effect.andThen(
            Effect.suspend(() => (counted("counted together again") === 1 ? Effect.void : Effect.fail("alone"))),
          ),
        ),
      )
    }).pipe(Effect.provide(log), Effect.scoped, Effect.provide(TestRedisServer.layer))
  })

  it.live("so does one to whom Redis says what cannot be", () =>
    Effect.gen(function* () {
      const { url } = yield* TestRedis
      const { take, redis } = yield* processAt(url)
      const { use } = redis
      yield* take("fred")
      const [key = ""] = yield* use((client) => client.keys("rate:*"))
      yield* use((client) => client.set(key, "no bucket"))
      assert.isTrue(yield* take("fred"))
    }).pipe(Effect.provide(Logger.layer([])), Effect.scoped, Effect.provide(TestRedis.layer)),
  )
})
