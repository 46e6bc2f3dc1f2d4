/** Runs a layer as the process: logs, traces, signals, draining, and an end that says why. */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Log from "../telemetry/Log.ts"
import { renderCause } from "../telemetry/renderCause.ts"
import * as Traces from "../telemetry/Traces.ts"
import { configSentence } from "./configSentence.ts"
import { Readiness } from "./Readiness.ts"

export interface LaunchOptions {
  /** The name in logs, traces and the sentence of a failed start, such as `control-plane`. */
  readonly service: string
  /** How long a stop may take where `SHUTDOWN_GRACE` is unset; 30 seconds unless given. */
  readonly gracePeriod?: Duration.Input
}

/**
 * Builds the layer and serves until SIGTERM or SIGINT; then reports "not ready", releases the layer within
 * `SHUTDOWN_GRACE`, and exits with 0, or with 1 when that was not enough. A start that fails exits with 1 after one
 * sentence on standard error; only what is not a matter of configuration also leaves its cause in the log. A rejection
 * or exception that nobody handled is logged and ends the process with 1.
 */
export const launch = <A, E>(layer: Layer.Layer<A, E, Readiness>, options: LaunchOptions): void => {
  // Set by a program that only wants the modules loaded, to compile them ahead.
  if (process.env["LOAD_ONLY"] !== undefined) return
  const { service, gracePeriod = "30 seconds" } = options
  let grace = Duration.fromInputUnsafe(gracePeriod)
  let started = false
  let stopping = false
  let logFatal = (text: string, defect: unknown) => complain(`${service}: ${text}: ${renderCause(Cause.die(defect))}`)

  const serve = Effect.gen(function* () {
    const context = yield* Effect.context<Readiness>()
    logFatal = (text, defect) => Effect.runSyncWith(context)(Effect.logFatal(text, Cause.die(defect)))
    grace = yield* Config.Duration("SHUTDOWN_GRACE").pipe(Config.withDefault(grace))
    const readiness = yield* Readiness
    yield* Layer.build(layer).pipe(
      Effect.tapCause((cause) => (isConfigured(cause) ? Effect.logFatal("cannot start", cause) : Effect.void)),
    )
    started = true
    yield* Effect.logInfo("started")
    yield* Effect.forkScoped(Effect.delay(tidyUp, "2 seconds"))
    yield* Effect.onInterrupt(Effect.never, () => Effect.andThen(readiness.draining, Effect.logInfo("stopping")))
  }).pipe(Effect.scoped)

  // Before anything runs: whoever reads "started" may send a signal at once.
  const stop = () => {
    if (stopping) return
    stopping = true
    fiber.interruptUnsafe()
    setTimeout(() => {
      complain(`${service} did not stop within ${Duration.format(grace)}.`)
      process.exit(1)
    }, Duration.toMillis(grace)).unref()
  }
  process.on("SIGTERM", stop)
  process.on("SIGINT", stop)

  const crash = (what: string) => (defect: unknown) => {
    logFatal(what, defect)
    process.exit(1)
  }
  process.on("unhandledRejection", crash("unhandled rejection"))
  process.on("uncaughtException", crash("uncaught exception"))

  const fiber = serve.pipe(
    Effect.provide(Layer.provideMerge(Layer.merge(Readiness.layer, Traces.layer(service)), Log.layer(service))),
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.map(failureText(cause), (text) =>
            complain(`${service} ${started ? "stopped with an error" : "cannot start"}: ${text}.`),
          ),
    ),
    Effect.runFork,
  )

  const keepAlive = setInterval(() => {}, 2 ** 31 - 1)
  fiber.addObserver((exit) => {
    clearInterval(keepAlive)
    process.exit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })
}

/**
 * Starting leaves some 15 MB of garbage that V8 would keep until it needs the room. Does nothing in a process that was
 * not started with `--expose-gc`.
 */
const tidyUp = Effect.sync(() => globalThis.gc?.())

const complain = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

const configError = (cause: Cause.Cause<unknown>): Config.ConfigError | undefined => {
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason) && reason.error instanceof Config.ConfigError) return reason.error
  }
  return undefined
}

const isConfigured = (cause: Cause.Cause<unknown>) =>
  configError(cause) === undefined && !Cause.hasInterruptsOnly(cause)

/** The end of the sentence that says why; nothing of a value that was configured. */
const failureText = (cause: Cause.Cause<unknown>): Effect.Effect<string> => {
  const config = configError(cause)
  if (config !== undefined) return configSentence(config)
  const [reason] = cause.reasons
  const error = reason === undefined ? "unknown" : renderCause(Cause.fromReasons([reason]))
  return Effect.succeed(error.split("\n", 1).join("").replace(/\.$/, ""))
}
