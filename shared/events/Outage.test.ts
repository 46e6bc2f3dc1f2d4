import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { SqlError, StatementTimeoutError, UniqueViolation, UnknownError } from "effect/sql/SqlError"
import * as TestClock from "effect/testing/TestClock"
import { NatsUnavailable } from "../nats/NatsUnavailable.ts"
import { RedisUnavailable } from "../redis/Redis.ts"
import { type Outage, outageIn, throughOutages } from "./Outage.ts"

const told = { cause: new Error("told"), message: "told" }
const stateOf = (code: string) => ({ ...told, cause: Object.assign(new Error("told"), { code }) })
const tooLate = new SqlError({ reason: new StatementTimeoutError(told) })

/** A watch that notes what it is told. */
const watching = () => {
  const notes: Array<string> = []
  return {
    notes,
    waiting: ({ reason }: Outage) => Effect.sync(() => void notes.push(reason)),
    over: Effect.sync(() => void notes.push("over")),
  }
}

describe("an outage", () => {
  it.each([
    ["a server that shuts down", new SqlError({ reason: new UnknownError(stateOf("57P01")) })],
    ["a server without resources", new SqlError({ reason: new UnknownError(stateOf("53300")) })],
    ["a standby that cannot write", new SqlError({ reason: new UnknownError(stateOf("25006")) })],
    ["no connection", new SqlError({ reason: new UnknownError({ ...told, operation: "connect" }) })],
    ["a full stream", new NatsUnavailable({ reason: "maximum messages exceeded", concern: "stream", code: 10_077 })],
    ["Redis", new RedisUnavailable({ reason: "not connected" })],
    ["what another error says it was caused by", new Error("not stored", { cause: tooLate })],
  ])("is %s", (_, error) => {
    assert.isDefined(outageIn(Cause.fail(error)))
    assert.isDefined(outageIn(Cause.die(error)))
  })

  it.each([
    ["a constraint", new SqlError({ reason: new UniqueViolation({ ...told, constraint: "x_is_unique" }) })],
    ["a statement that cannot be read", new SqlError({ reason: new UnknownError(stateOf("22021")) })],
    ["a message that is too large for NATS", new NatsUnavailable({ reason: "too large", concern: "message" })],
    ["anything else", new Error("broken")],
    ["what is no error at all", "text"],
  ])("is not %s", (_, error) => {
    assert.isUndefined(outageIn(Cause.fail(error)))
    assert.isUndefined(outageIn(Cause.interrupt()))
  })
})

describe("through outages", () => {
  it.effect("an effect is tried for as long as they last, and its failures are its own", () =>
    Effect.gen(function* () {
      const watch = watching()
      let tries = 0
      const effect = Effect.suspend(() =>
        ++tries < 1000 ? Effect.die(new RedisUnavailable({ reason: "away" })) : Effect.fail("its own"),
      )
      const fiber = yield* Effect.forkChild(Effect.exit(throughOutages(effect, watch)))
      yield* TestClock.adjust("5 hours")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.fail("its own"))
      assert.strictEqual(watch.notes.length, 999)
      assert.notInclude(watch.notes, "over")
    }),
  )

  it.effect("an effect that succeeds at once tells nobody, and one that waited tells that it is over", () =>
    Effect.gen(function* () {
      const watch = watching()
      yield* throughOutages(Effect.void, watch)
      assert.deepStrictEqual(watch.notes, [])
      let tries = 0
      const fiber = yield* Effect.forkChild(
        throughOutages(
          Effect.suspend(() => (++tries === 1 ? Effect.fail(new RedisUnavailable({ reason: "away" })) : Effect.void)),
          watch,
        ),
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(watch.notes, ["RedisUnavailable: Redis is unavailable: away", "over"])
    }),
  )

  it.effect("a statement that is answered too late again and again fails: that may be its own fault", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.exit(throughOutages(Effect.fail(tooLate), watching())))
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.fail(tooLate))
    }),
  )
})
