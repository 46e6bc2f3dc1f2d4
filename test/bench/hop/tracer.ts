/** The tracer of a hop: records all that begins here, or nothing but what a caller records. */
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import { sampled } from "#shared/telemetry/Traces.ts"

const recorder = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })

/** `ratio` of the traces that begin here are recorded, in memory. */
export const layer = (ratio: 0 | 1): Layer.Layer<never> => Layer.succeed(Tracer.Tracer, sampled(ratio, recorder))
