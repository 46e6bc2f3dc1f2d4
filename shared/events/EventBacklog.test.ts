import { assert, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { metricsText } from "../telemetry/Metrics.ts"
import { append, buried, mesh, publish, reaches } from "../testing/EventMesh.ts"
import { eventually } from "../testing/eventually.ts"
import { testEvents } from "../testing/TestEvents.ts"
import { TestNats } from "../testing/TestServers.ts"
import { consume } from "./Consumer.ts"
import { EventBacklog } from "./EventBacklog.ts"
import { job } from "./fixtures/testEvents.ts"

const Job = job("WORK")

const reading = Effect.flatMap(EventBacklog, ({ read }) => read)

it.live("the backlog tells what waits to be published, to be handled, and what was given up", () =>
  Effect.gen(function* () {
    const release = yield* Deferred.make<void>()
    const seen: Array<string> = []
    const consumer = consume(Job, {
      durable: "tester",
      maxDeliver: 1,
      handle: ({ value }) => {
        seen.push(value)
        return value === "bad" ? Effect.fail("no") : Deferred.await(release)
      },
    })
    yield* Effect.gen(function* () {
      yield* publish(Job, "bad", "evt_bad")
      yield* buried(1)
      yield* Effect.forEach(["1", "2"], (value) => publish(Job, value, `evt_${value}`))
      yield* reaches(seen, 2)
      const backlog = yield* reading
      const lag = Option.getOrThrow(backlog.consumers[0]?.lag ?? Option.none())
      assert.deepInclude(backlog.consumers[0], { consumer: "tester", stream: "WORK", subject: "work.job" })
      assert.deepInclude(lag, { pending: 1, inFlight: 1, redelivered: 0 })
      assert.isAbove(lag.oldestSeconds, 0)
      assert.deepStrictEqual(backlog.deadLetters, [{ consumer: "tester", count: 1 }])
      yield* Deferred.succeed(release, undefined)

      const text = yield* eventually(
        Effect.flatMap(metricsText, (all) =>
          all.includes('authsome_mesh_consumer_pending_events{consumer="tester",subject="work.job"} 0') &&
          all.includes('authsome_mesh_dead_letters{consumer="tester"} 1')
            ? Effect.succeed(all)
            : Effect.fail("not yet observed"),
        ),
        "25 seconds",
      )
      assert.include(text, 'authsome_mesh_consumer_oldest_seconds{consumer="tester",subject="work.job"} 0')
      assert.include(text, 'authsome_mesh_events_handled_total{subject="work.job",outcome="dead"} 1')
      assert.include(text, 'authsome_mesh_event_handled_age_seconds_count{subject="work.job"} 2')
    }).pipe(Effect.provide(Layer.provideMerge(Layer.merge(consumer, EventBacklog.layer), mesh)))
  }),
)

it.live("the backlog is told while NATS is away, as far as it is known", () =>
  Effect.gen(function* () {
    const server = yield* TestNats
    yield* append("x", Job)
    yield* server.kill
    const { outbox, consumers } = yield* eventually(
      Effect.flatMap(reading, (backlog) =>
        backlog.consumers.every(({ lag }) => Option.isNone(lag)) ? Effect.succeed(backlog) : Effect.fail(backlog),
      ),
    )
    assert.strictEqual(outbox.waiting, 1)
    assert.isAbove(outbox.oldestSeconds, 0)
    assert.strictEqual(consumers.length, 1)
  }).pipe(
    Effect.provide(
      Layer.merge(consume(Job, { durable: "tester", handle: () => Effect.void }), EventBacklog.layer).pipe(
        Layer.provideMerge(testEvents("billing")),
      ),
    ),
  ),
)

it.live("the time to publish is measured", () =>
  Effect.gen(function* () {
    yield* append("x", Job)
    const text = yield* eventually(
      Effect.flatMap(metricsText, (all) =>
        all.includes('authsome_mesh_event_publish_duration_seconds_count{subject="work.job"}')
          ? Effect.succeed(all)
          : Effect.fail("not yet published"),
      ),
    )
    assert.match(text, /authsome_mesh_events_published_total\{subject="work.job",outcome="stored"\} \d/)
    assert.match(text, /authsome_mesh_outbox_waiting_events \d/)
  }).pipe(Effect.provide(mesh)),
)
