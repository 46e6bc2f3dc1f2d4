/** Logs: one JSON object a line on standard output, with what is needed to find the request and the trace. */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { RequestId } from "./RequestId.ts"
import { renderCause } from "./renderCause.ts"

/** Where finished lines go: standard output, unless a test collects them. */
export const LogSink = Context.Reference<(line: string) => void>("shared/telemetry/LogSink", {
  defaultValue: () => (line) => {
    process.stdout.write(line)
  },
})

const levels = new Map<string, LogLevel.LogLevel>([
  ["trace", "Trace"],
  ["debug", "Debug"],
  ["info", "Info"],
  ["warn", "Warn"],
  ["error", "Error"],
  ["fatal", "Fatal"],
  ["none", "None"],
])

const LevelName = Schema.String.check(
  Schema.makeFilter((text) => levels.has(text.toLowerCase()), { expected: `one of ${[...levels.keys()].join(", ")}` }),
)

/** `LOG_LEVEL` in any case; unset: info. */
const minimumLevel: Config.Config<LogLevel.LogLevel> = Config.schema(LevelName, "LOG_LEVEL").pipe(
  Config.map((text) => levels.get(text.toLowerCase()) ?? "Info"),
  Config.withDefault("Info" as const),
)

/** One line of the log as an object. Redacted values stay redacted; typed failures show what they say, defects their stack. */
const entry = (service: string) =>
  Logger.make(({ cause, date, fiber, logLevel, message }): Record<string, unknown> => {
    const structured = Logger.formatStructured.log({ cause: Cause.empty, date, fiber, logLevel, message })
    const parts = Array.isArray(structured.message) ? structured.message : [structured.message]
    const data = parts.filter((part) => typeof part !== "string")
    const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
    const requestId = fiber.getRef(RequestId)
    return {
      ...structured.annotations,
      time: date.toISOString(),
      level: logLevel.toLowerCase(),
      service,
      message: parts.filter((part) => typeof part === "string").join(" "),
      ...(data.length > 0 && { data: data.length === 1 ? data[0] : data }),
      ...(requestId !== undefined && { request_id: requestId }),
      ...(span !== undefined && { trace_id: span.traceId, span_id: span.spanId }),
      ...(cause.reasons.length > 0 && { cause: renderCause(cause) }),
    }
  })

/** Replaces the loggers by ours for `service`; the least level comes from `LOG_LEVEL`. */
export const layer = (service: string): Layer.Layer<never, Config.ConfigError> =>
  Layer.mergeAll(
    Logger.layer([
      Effect.map(LogSink, (write) => Logger.map(entry(service), (line) => write(`${JSON.stringify(line)}\n`))),
    ]),
    Layer.effect(References.MinimumLogLevel, minimumLevel),
  )
