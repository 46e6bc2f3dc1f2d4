import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import * as Traces from "./Traces.ts"

const Export = Schema.fromJsonString(
  Schema.Struct({
    resourceSpans: Schema.Array(
      Schema.Struct({
        scopeSpans: Schema.Array(
          Schema.Struct({ spans: Schema.Array(Schema.Struct({ name: Schema.String, traceId: Schema.String })) }),
        ),
      }),
    ),
  }),
)

/** A collector that keeps what it is sent. */
const collector = Effect.gen(function* () {
  const bodies: Array<string> = []
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk) => {
      body += chunk
    })
    request.on("end", () => {
      if (request.url === "/base/v1/traces") bodies.push(body)
      response.end("{}")
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      }),
  )
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  const spans = Effect.map(
    Effect.forEach(bodies, (body) => Schema.decodeUnknownEffect(Export)(body)),
    (exports) => exports.flatMap((each) => each.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans))),
  )
  return { url: `http://127.0.0.1:${port}/base`, spans: Effect.suspend(() => spans) }
})

const traced = (environment: Record<string, string>) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment))

const parent = (sampled: boolean) => Tracer.externalSpan({ traceId: "a".repeat(32), spanId: "b".repeat(16), sampled })

describe("spans", () => {
  it.live("are exported, the last ones too", () =>
    Effect.gen(function* () {
      const { url, spans } = yield* collector
      const traceId = yield* Effect.currentSpan.pipe(
        Effect.map((span) => span.traceId),
        Effect.withSpan("work"),
        Effect.provide(Traces.layer("tester")),
        traced({ OTEL_EXPORTER_OTLP_ENDPOINT: url }),
      )
      assert.deepStrictEqual(yield* spans, [{ name: "work", traceId }])
    }),
  )

  it.live("follow the caller's decision, and otherwise the ratio", () =>
    Effect.gen(function* () {
      const { url, spans } = yield* collector
      const work = (name: string, from?: boolean) =>
        Effect.withSpan(Effect.void, name, from === undefined ? {} : { parent: parent(from) })
      yield* Effect.andThen(work("root"), Effect.andThen(work("recorded", true), work("unrecorded", false))).pipe(
        Effect.provide(Traces.layer("tester")),
        traced({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_SAMPLER_ARG: "0" }),
      )
      assert.deepStrictEqual(
        (yield* spans).map(({ name }) => name),
        ["recorded"],
      )
    }),
  )

  it.live("carry the trace on where nobody collects them", () =>
    Effect.gen(function* () {
      const span = yield* Effect.currentSpan.pipe(
        Effect.withSpan("inner"),
        Effect.withSpan("outer", { parent: parent(true) }),
      )
      assert.strictEqual(span.traceId, "a".repeat(32))
      assert.isTrue(span.sampled)
      const root = yield* Effect.withSpan(Effect.currentSpan, "root")
      assert.match(root.traceId, /^[0-9a-f]{32}$/)
      assert.match(root.spanId, /^[0-9a-f]{16}$/)
      assert.isFalse(root.sampled)
    }).pipe(Effect.provide(Traces.layer("tester")), traced({})),
  )

  it.effect("are configured in words that name the variable", () =>
    Effect.gen(function* () {
      for (const [name, value] of [
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere"],
        ["OTEL_TRACES_SAMPLER_ARG", "2"],
      ] as const) {
        const error = yield* Effect.flip(Effect.provide(Effect.void, Traces.layer("tester"))).pipe(
          traced({ [name]: value }),
        )
        assert.include(error.message, name)
      }
    }),
  )
})
