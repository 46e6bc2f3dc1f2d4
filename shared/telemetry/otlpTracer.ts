import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import type * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"

/** A tracer that sends finished spans in batches to `<endpoint>/v1/traces`, and the last ones when its scope closes. */
export const otlpTracer = (endpoint: URL, service: string): Effect.Effect<Tracer.Tracer, never, Scope.Scope> =>
  Effect.flatMap(
    Layer.build(Layer.mergeAll(OtlpSerialization.layerJson, FetchHttpClient.layer, OtlpExporter.layerFlusher)),
    (context) =>
      Effect.provideContext(
        OtlpTracer.make({
          url: new URL(`${endpoint.pathname.replace(/\/$/, "")}/v1/traces`, endpoint).href,
          resource: { serviceName: service },
        }),
        context,
      ),
  )
