/** A Redis database that one test, or one test file, has to itself. Channels of `PUBLISH` are shared with all others. */

import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Redis as IoRedis } from "ioredis"
import { Backing } from "./Backing.ts"

export class TestRedis extends Context.Service<
  TestRedis,
  {
    readonly url: Redacted.Redacted<string>
  }
>()("shared/testing/TestRedis") {
  static readonly layer = Layer.effect(
    TestRedis,
    Effect.gen(function* () {
      const { redis } = yield* Backing
      const database = yield* Effect.promise(() => nextDatabase(redis))
      return TestRedis.of({ url: Redacted.make(`${redis}/${database}`) })
    }),
  ).pipe(Layer.provide(Backing.layer))
}

/** Numbers are given out by Redis itself, in database 0, which nobody gets. */
const nextDatabase = async (url: string): Promise<number> => {
  const client = new IoRedis(url)
  const count = await client.incr("test-databases")
  client.disconnect()
  return 1 + ((count - 1) % 4_095)
}
