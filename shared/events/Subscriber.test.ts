import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Nats } from "../nats/Nats.ts"
import { RedisUnavailable } from "../redis/Redis.ts"
import { append, mesh, publish, reaches } from "../testing/EventMesh.ts"
import { eventually } from "../testing/eventually.ts"
import { testConnection } from "../testing/TestEvents.ts"
import { TestNats } from "../testing/TestServers.ts"
import { news } from "./fixtures/testEvents.ts"
import { subscribe } from "./Subscriber.ts"

const News = news("NEWS")

/** Waits until so many processes listen. */
const listening = (count: number) =>
  eventually(
    Effect.flatMap(Nats, ({ use }) =>
      Effect.flatMap(
        use(({ manager }) => manager.streams.info("NEWS")),
        ({ state }) => (state.consumer_count === count ? Effect.void : Effect.fail("not listening")),
      ),
    ),
  )

/** Makes the server forget who listens, as it does when they are away for five minutes. */
const forgotten = Effect.flatMap(Nats, ({ use }) =>
  use(async ({ manager }) => {
    for await (const { name } of manager.consumers.list("NEWS")) await manager.consumers.delete("NEWS", name)
  }),
)

/** Waits until the clock shows another time, by more than two clocks of one machine differ. */
const aMomentLater = Effect.flatMap(Clock.currentTimeMillis, (start) =>
  eventually(
    Effect.flatMap(Clock.currentTimeMillis, (now) => (now > start + 5 ? Effect.void : Effect.fail("still the same"))),
  ),
)

describe("a subscriber", () => {
  it.live("in every process sees what was published since a moment before its start, in order", () => {
    const seen: [Array<string>, Array<string>] = [[], []]
    const process = (index: 0 | 1) =>
      Layer.provide(
        subscribe(News, ({ value }) => Effect.sync(() => void seen[index].push(value))),
        Layer.fresh(testConnection),
      )
    return Effect.gen(function* () {
      // A process may begin to listen long after it began to believe what it found: when NATS was away, for example.
      yield* publish(News, "before", "evt_0")
      yield* Effect.gen(function* () {
        yield* Effect.forEach(["one", "two"], (value) => append(value, News))
        yield* Effect.all([reaches(seen[0], 3), reaches(seen[1], 3)], { concurrency: "unbounded" })
        assert.deepStrictEqual(seen, [
          ["before", "one", "two"],
          ["before", "one", "two"],
        ])
      }).pipe(Effect.provide(Layer.mergeAll(process(0), process(1))))
    }).pipe(Effect.provide(mesh))
  })

  it.live("does not see what is older than it asks for", () => {
    const seen: Array<string> = []
    const subscriber = subscribe(News, ({ value }) => Effect.sync(() => void seen.push(value)), {
      since: Duration.zero,
    })
    return Effect.gen(function* () {
      yield* publish(News, "before", "evt_0")
      yield* aMomentLater
      yield* Effect.gen(function* () {
        yield* listening(1)
        yield* publish(News, "after", "evt_1")
        yield* reaches(seen, 1)
        assert.deepStrictEqual(seen, ["after"])
      }).pipe(Effect.provide(subscriber))
    }).pipe(Effect.provide(mesh))
  })

  it.live("misses nothing when the server has forgotten it, has crashed, or has lost the stream", () => {
    const seen: Array<string> = []
    const subscriber = subscribe(News, ({ value }) => Effect.sync(() => void seen.push(value)))
    return Effect.gen(function* () {
      const server = yield* TestNats
      const { use } = yield* Nats
      yield* publish(News, "1", "evt_1")
      yield* reaches(seen, 1)
      yield* server.kill
      yield* server.start
      yield* eventually(forgotten)
      yield* publish(News, "2", "evt_2")
      yield* reaches(seen, 2)
      yield* eventually(forgotten)
      yield* publish(News, "3", "evt_3")
      yield* reaches(seen, 3)
      yield* use(({ manager }) => manager.streams.delete("NEWS"))
      yield* Effect.forEach(["4", "5", "6", "7"], (value) => publish(News, value, `evt_${value}`))
      yield* reaches(seen, 7)
      assert.deepStrictEqual(seen, ["1", "2", "3", "4", "5", "6", "7"])
    }).pipe(Effect.provide(Layer.provideMerge(subscriber, mesh)))
  })

  it.live("passes over what fails again and again, but waits through an outage", () => {
    const seen: Array<string> = []
    let tries = 0
    const subscriber = subscribe(News, ({ value }) => {
      if (value === "odd") return Effect.die(new Error("a failure that is logged"))
      if (value === "held" && ++tries <= 6) return Effect.fail(new RedisUnavailable({ reason: "away" }))
      return Effect.sync(() => void seen.push(value))
    })
    return Effect.gen(function* () {
      yield* Effect.forEach(["odd", "held", "last"], (value) => append(value, News))
      yield* reaches(seen, 2)
      assert.deepStrictEqual(seen, ["held", "last"])
    }).pipe(Effect.provide(Layer.provideMerge(subscriber, mesh)))
  })
})
