import { assert, layer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { RequestId } from "../telemetry/RequestId.ts"
import { TestDatabase } from "../testing/TestDatabase.ts"
import { job, textEvent } from "./fixtures/testEvents.ts"
import { Outbox } from "./Outbox.ts"

const TestOutbox = Outbox.layer.pipe(Layer.provideMerge(TestDatabase.sql("billing")))
const Done = job("OUTBOX")

/** Appends in a transaction of its own. */
const append = (value: string, aggregate = "a") =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const outbox = yield* Outbox
    yield* sql.withTransaction(outbox.append(Done, { value }, { aggregate }))
  })

const rows = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ readonly aggregate: string; readonly headers: object; readonly subject: string }>`
    SELECT aggregate, headers, subject FROM outbox ORDER BY position`,
)

layer(TestOutbox, { excludeTestServices: true })("the outbox", (it) => {
  it.effect("keeps an event with the transaction that decided it, or not at all", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* append("kept", "kept")
      yield* Effect.exit(sql.withTransaction(Effect.andThen(append("gone", "gone"), Effect.fail("no"))))
      assert.deepStrictEqual(
        (yield* rows).map(({ aggregate }) => aggregate),
        ["kept"],
      )
    }),
  )

  it.effect("notes whose request and which trace the event belongs to", () =>
    Effect.gen(function* () {
      const traceId = yield* Effect.currentSpan.pipe(
        Effect.tap(append("x", "traced")),
        Effect.map((span) => span.traceId),
        Effect.withSpan("deciding"),
        Effect.provideService(RequestId, "req_12345678"),
      )
      const row = (yield* rows).find(({ aggregate }) => aggregate === "traced")
      assert.strictEqual(row?.subject, "outbox.job")
      assert.include(JSON.stringify(row?.headers), '"x-request-id":"req_12345678"')
      assert.include(JSON.stringify(row?.headers), `"traceparent":"00-${traceId}-`)
    }),
  )

  it.effect("refuses an event outside of a transaction, what is no event, and what is too large", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { append } = yield* Outbox
      const attempts = {
        "outside of a transaction": append(Done, { value: "x" }, { aggregate: "a" }),
        "is no event": sql.withTransaction(append(textEvent(), { value: "x" }, { aggregate: "a" })),
        "too large": sql.withTransaction(append(Done, { value: "x".repeat(600_000) }, { aggregate: "a" })),
      }
      for (const [reason, attempt] of Object.entries(attempts)) {
        const exit = yield* Effect.exit(attempt)
        assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.every(({ _tag }) => _tag === "Die"))
        assert.include(String(exit), reason)
      }
    }),
  )

  it.effect("lets transactions on one aggregate commit in the order in which they append", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const appended = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const first = yield* append("first", "same").pipe(
        Effect.andThen(Deferred.succeed(appended, undefined)),
        Effect.andThen(Deferred.await(release)),
        sql.withTransaction,
        Effect.forkChild,
      )
      yield* Deferred.await(appended)
      const second = yield* Effect.forkChild(append("second", "same"), { startImmediately: true })
      yield* append("elsewhere", "other")
      assert.isUndefined(second.pollUnsafe())
      yield* Deferred.succeed(release, undefined)
      yield* Effect.all([Fiber.join(first), Fiber.join(second)])
      const values = yield* sql<{ readonly payload: Uint8Array }>`
        SELECT payload FROM outbox WHERE aggregate = 'same' ORDER BY position`
      assert.deepStrictEqual(
        values.map(({ payload }) => Buffer.from(payload).subarray(2).toString()),
        ["first", "second"],
      )
    }),
  )
})
