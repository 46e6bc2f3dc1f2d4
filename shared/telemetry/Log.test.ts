import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import * as Log from "./Log.ts"
import { RequestId } from "./RequestId.ts"

const Line = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

/** The lines that the effect logs, at `LOG_LEVEL` if given. */
const logged = <A, E>(effect: Effect.Effect<A, E>, level?: string) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    yield* Effect.exit(effect).pipe(
      Effect.provide(Log.layer("tester")),
      Effect.provideService(Log.LogSink, (line) => lines.push(line)),
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown(level === undefined ? {} : { LOG_LEVEL: level }),
      ),
    )
    return yield* Effect.forEach(lines, (line) => Schema.decodeUnknownEffect(Line)(line))
  })

class OutOfPaper extends Schema.TaggedError<OutOfPaper>()("OutOfPaper", { tray: Schema.String }) {
  override get message() {
    return `tray ${this.tray} is empty`
  }
}

describe("a line", () => {
  it.effect("finds the request and the trace", () =>
    Effect.gen(function* () {
      const span = Tracer.externalSpan({ traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true })
      const [line] = yield* logged(
        Effect.logInfo("hello", { count: 3 }).pipe(
          Effect.annotateLogs({ job: "j1", level: "annotations do not win" }),
          Effect.withParentSpan(span),
          Effect.provideService(RequestId, "req_1"),
        ),
      )
      assert.deepInclude(line, {
        level: "info",
        service: "tester",
        message: "hello",
        job: "j1",
        data: { count: 3 },
        request_id: "req_1",
        trace_id: "a".repeat(32),
        span_id: "b".repeat(16),
      })
      assert.match(String(line?.["time"]), /^\d{4}-\d\d-\d\dT.*Z$/)
    }),
  )

  it.effect("keeps secrets to itself", () =>
    Effect.gen(function* () {
      const secret = Redacted.make("hunter2")
      const lines = yield* logged(
        Effect.logInfo("a secret", secret, { nested: { secret } }).pipe(Effect.annotateLogs({ secret })),
      )
      assert.strictEqual(lines.length, 1)
      assert.notInclude(JSON.stringify(lines), "hunter2")
    }),
  )

  it.effect("says what failed in a line, and where a defect came from", () =>
    Effect.gen(function* () {
      const [failed, died] = yield* logged(
        Effect.fail(new OutOfPaper({ tray: "2" })).pipe(
          Effect.catchCause((cause) => Effect.logError("no print", cause)),
          Effect.andThen(Effect.die(new RangeError("impossible", { cause: new Error("deep") }))),
          Effect.catchCause((cause) => Effect.logFatal("broken", cause)),
        ),
      )
      assert.strictEqual(failed?.["cause"], "OutOfPaper: tray 2 is empty")
      assert.match(String(died?.["cause"]), /^RangeError: impossible\n +at .*Log\.test\.ts/)
      assert.match(String(died?.["cause"]), /caused by Error: deep/)
    }),
  )
})

describe("LOG_LEVEL", () => {
  const both = Effect.andThen(Effect.logDebug("quiet"), Effect.logWarning("loud"))
  const messages = (level?: string) => Effect.map(logged(both, level), (lines) => lines.map((line) => line["message"]))

  it.effect("in any case, is the least level; unset, it is info", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* messages(), ["loud"])
      assert.deepStrictEqual(yield* messages("DEBUG"), ["quiet", "loud"])
      assert.deepStrictEqual(yield* messages("Error"), [])
    }),
  )

  it.effect("is refused by name when there is no such level", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(Effect.void, Log.layer("tester"))).pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ LOG_LEVEL: "chatty" })),
      )
      assert.include(String(error), "LOG_LEVEL")
    }),
  )
})
