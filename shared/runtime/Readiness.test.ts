import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Readiness } from "./Readiness.ts"

it.effect("a process is ready when all that it needs is", () =>
  Effect.gen(function* () {
    const { register, report } = yield* Readiness
    assert.deepStrictEqual(yield* report, { ready: true, checks: {} })
    yield* register("first", Effect.void)
    yield* register("nice", Effect.fail("away"), { required: false })
    assert.deepStrictEqual(yield* report, { ready: true, checks: { first: "ok", nice: "failing" } })
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* register("second", Effect.die("broken"))
        assert.deepStrictEqual(yield* report, {
          ready: false,
          checks: { first: "ok", nice: "failing", second: "failing" },
        })
      }),
    )
    yield* TestClock.adjust("1 second")
    assert.isTrue((yield* report).ready)
  }).pipe(Effect.provide(Readiness.layer)),
)

it.effect("a check that does not answer within two seconds fails", () =>
  Effect.gen(function* () {
    const { register, report } = yield* Readiness
    yield* register("silent", Effect.never)
    const asked = yield* Effect.forkChild(report, { startImmediately: true })
    yield* TestClock.adjust("2 seconds")
    assert.deepStrictEqual(yield* Fiber.join(asked), { ready: false, checks: { silent: "failing" } })
  }).pipe(Effect.provide(Readiness.layer)),
)

it.effect("many probes ask the dependencies once in half a second", () =>
  Effect.gen(function* () {
    const { register, report } = yield* Readiness
    let asked = 0
    yield* register(
      "counting",
      Effect.sync(() => asked++),
    )
    yield* Effect.all([report, report, report], { concurrency: "unbounded" })
    assert.strictEqual(asked, 1)
    yield* TestClock.adjust("500 millis")
    yield* report
    assert.strictEqual(asked, 2)
  }).pipe(Effect.provide(Readiness.layer)),
)

it.effect("a process that stops is not ready from that moment on", () =>
  Effect.gen(function* () {
    const { draining, register, report } = yield* Readiness
    yield* register("fine", Effect.void)
    assert.isTrue((yield* report).ready)
    yield* draining
    assert.deepStrictEqual(yield* report, { ready: false, checks: { fine: "ok" } })
  }).pipe(Effect.provide(Readiness.layer)),
)
