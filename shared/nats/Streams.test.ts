import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Readiness } from "../runtime/Readiness.ts"
import { eventually } from "../testing/eventually.ts"
import { TestNats } from "../testing/TestServers.ts"
import { Nats } from "./Nats.ts"
import type { StreamLimits } from "./StreamLimits.ts"
import { keepsToLimits } from "./StreamRoom.ts"
import type { StreamSettings } from "./StreamSettings.ts"

const stream = (name: string, retention: StreamSettings["retention"]): StreamSettings => ({
  name,
  subject: `${name.toLowerCase()}.a`,
  retention,
  maxAge: Duration.hours(1),
})

/** One process with these limits. */
const process = (limits?: StreamLimits) =>
  Layer.fresh(
    Layer.unwrap(
      Effect.map(TestNats, ({ url }) =>
        Nats.layer({ url, name: "tester", timeout: "1 second", ...(limits !== undefined && { limits }) }),
      ),
    ).pipe(Layer.provide(Readiness.layer)),
  )

const ensured = (settings: StreamSettings) =>
  eventually(Effect.flatMap(Nats, ({ ensureStream }) => ensureStream(settings)))

const publish = (settings: StreamSettings, size: number, id: string) =>
  Effect.flatMap(Nats, (nats) => nats.publish(settings.subject, new Uint8Array(size), { id, stream: settings.name }))

const configOf = (name: string) =>
  Effect.map(
    Effect.flatMap(Nats, ({ use }) => use(({ manager }) => manager.streams.info(name))),
    ({ config, state }) => ({ maxBytes: config.max_bytes, replicas: config.num_replicas, messages: state.messages }),
  )

const megabyte = 1_048_576

describe("the limits of streams", () => {
  it.live("come into force where a stream is made, and where it exists", () =>
    Effect.gen(function* () {
      const news = stream("NEWS", "broadcast")
      const later = stream("LATER", "broadcast")
      yield* Effect.provide(ensured(later), process({}))
      yield* Effect.gen(function* () {
        yield* ensured(news)
        yield* ensured(later)
        assert.deepStrictEqual(yield* configOf("NEWS"), { maxBytes: megabyte, replicas: 1, messages: 0 })
        assert.deepStrictEqual(yield* configOf("LATER"), { maxBytes: megabyte, replicas: 1, messages: 0 })
      }).pipe(Effect.provide(process({ maxBytes: megabyte, replicas: 1 })))
      yield* Effect.provide(
        Effect.gen(function* () {
          yield* ensured(news)
          assert.deepStrictEqual(yield* configOf("NEWS"), { maxBytes: megabyte, replicas: 1, messages: 0 })
        }),
        process({}),
      )
    }).pipe(Effect.provide(TestNats.layer)),
  )

  it.live("never delete what is there", () =>
    Effect.gen(function* () {
      const news = stream("NEWS", "broadcast")
      const store = Effect.forEach(["1", "2", "3"], (id) => publish(news, 1000, id))
      yield* Effect.provide(Effect.andThen(ensured(news), store), process({}))
      yield* Effect.provide(
        Effect.gen(function* () {
          yield* ensured(news)
          assert.deepStrictEqual(yield* configOf("NEWS"), { maxBytes: -1, replicas: 1, messages: 3 })
          const { use } = yield* Nats
          yield* use(({ manager }) => manager.streams.purge("NEWS"))
          yield* ensured(news)
          assert.deepStrictEqual(yield* configOf("NEWS"), { maxBytes: 2000, replicas: 1, messages: 0 })
        }),
        process({ maxBytes: 2000 }),
      )
    }).pipe(Effect.provide(TestNats.layer)),
  )

  it.live("make a full work queue refuse, on any server, and never drop what waits", () =>
    Effect.gen(function* () {
      const work = stream("WORK", "workQueue")
      yield* ensured(work)
      const sizes = Array.from({ length: 40 }, (_, index) => 100 + index)
      const outcomes = yield* Effect.forEach(sizes, (size) => Effect.result(publish(work, size, `${size}`)))
      const accepted = outcomes.filter(({ _tag }) => _tag === "Success").length
      assert.isAbove(accepted, 2)
      assert.isBelow(accepted, sizes.length)
      assert.strictEqual((yield* configOf("WORK")).messages, accepted)
      const { use } = yield* Nats
      yield* use(({ manager }) => manager.streams.purge("WORK"))
      yield* eventually(publish(work, 100, "again"))
    }).pipe(Effect.provide(Layer.provideMerge(process({ maxBytes: 2500 }), TestNats.layer))),
  )

  it.live("are read from the environment, and a wrong one is named", () =>
    Effect.gen(function* () {
      const withEnvironment = (env: Record<string, string>) =>
        Effect.provide(
          Effect.andThen(ensured(stream("NEWS", "broadcast")), configOf("NEWS")),
          Layer.provide(process(), ConfigProvider.layer(ConfigProvider.fromEnv({ env }))),
        )
      const { maxBytes } = yield* withEnvironment({ NATS_STREAM_MAX_BYTES: "2097152", NATS_STREAM_REPLICAS: "1" })
      assert.strictEqual(maxBytes, 2_097_152)
      for (const [name, value] of [
        ["NATS_STREAM_REPLICAS", "0"],
        ["NATS_STREAM_REPLICAS", "6"],
        ["NATS_STREAM_MAX_BYTES", "1000"],
        ["NATS_STREAM_MAX_BYTES", "1GB"],
      ] as const) {
        assert.include(String(yield* Effect.flip(withEnvironment({ [name]: value }))), name)
      }
    }).pipe(Effect.provide(TestNats.layer)),
  )

  it.each([
    ["2.9.10", false],
    ["2.10.5", false],
    ["unknown", false],
    ["2.10.6", true],
    ["2.10.22-RC.1", true],
    ["2.11.0", true],
    ["3.0.0", true],
  ])("of a server of version %s are kept to: %s", (version, expected) => {
    assert.strictEqual(keepsToLimits(version), expected)
  })
})
