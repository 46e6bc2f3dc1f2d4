/** Traces: exported by OTLP over HTTP where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, and carried on in any case. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { SilentSpan } from "./SilentSpan.ts"

/** The share of new traces to record, 0 to 1; unset: all. A caller's decision is always kept. */
const samplerRatio = Config.schema(
  Schema.FiniteFromString.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  "OTEL_TRACES_SAMPLER_ARG",
).pipe(Config.withDefault(1))

const endpoint = Config.option(Config.URL("OTEL_EXPORTER_OTLP_ENDPOINT"))

/** Records a share of the traces that begin here, and those that a caller records; the rest only has ids. */
export const sampled = (ratio: number, recorder: Tracer.Tracer): Tracer.Tracer =>
  Tracer.make({
    span: (options) =>
      options.sampled && (Option.isSome(options.parent) || Number.parseInt(Hex.random(8), 16) < ratio * 2 ** 32)
        ? recorder.span(options)
        : new SilentSpan(options),
  })

/** Spans of which only the ids live on. */
const silent: Tracer.Tracer = Tracer.make({ span: (options) => new SilentSpan(options) })

/** The tracer of a process. Flushes what it holds when the process stops. */
export const layer = (service: string): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = yield* endpoint
      const ratio = yield* samplerRatio
      if (Option.isNone(url)) return Layer.succeed(Tracer.Tracer, silent)
      // Loaded only where it is needed: the exporter brings an HTTP client of several megabytes with it.
      const { otlpTracer } = yield* Effect.promise(() => import("./otlpTracer.ts"))
      return Layer.effect(
        Tracer.Tracer,
        Effect.map(otlpTracer(url.value, service), (recorder) => sampled(ratio, recorder)),
      )
    }),
  )
