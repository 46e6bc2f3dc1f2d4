/** The program with a Redis, and switches before its Redis and its database. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestRedis } from "#shared/testing/TestRedis.ts"
import { type Gate, gate } from "../../testing/Gate.ts"
import { gated } from "../../testing/TestIdentity.ts"
import { redisIs } from "./TargetClient.ts"

/** The way from the program to its Redis. */
export class RedisGate extends Context.Service<RedisGate, Gate>()("identity/testing/RedisGate") {
  static readonly layer = Layer.effect(
    RedisGate,
    Effect.gen(function* () {
      const { hostname, port } = new URL(Redacted.value((yield* TestRedis).url))
      return yield* gate({ host: hostname, port: Number(port) })
    }),
  )
}

export const withRedis = (environment: Readonly<Record<string, string>>) =>
  Layer.effectDiscard(redisIs("ok")).pipe(
    Layer.provideMerge(
      Layer.unwrap(
        Effect.gen(function* () {
          const url = new URL(Redacted.value((yield* TestRedis).url))
          url.host = `127.0.0.1:${(yield* RedisGate).port}`
          return gated({ ...environment, REDIS_URL: url.href })
        }),
      ),
    ),
    Layer.provideMerge(RedisGate.layer),
    Layer.provideMerge(TestRedis.layer),
  )
