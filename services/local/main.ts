/** `npm start`: the whole stack, until it is stopped. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { configSentence } from "#shared/runtime/configSentence.ts"
import { listeners, stackConfig } from "./Config.ts"
import { seconds, tell } from "./progress.ts"
import * as Stack from "./Stack.ts"
import { help, summary } from "./texts.ts"

/** One sentence for whatever was foreseen; the cause, with its stack, for what was not. */
const sentence = (cause: Cause.Cause<unknown>): Effect.Effect<string> => {
  const [failure] = cause.reasons.filter(Cause.isFailReason)
  if (failure === undefined) return Effect.succeed(Cause.pretty(cause))
  const { error } = failure
  if (error instanceof Config.ConfigError) return Effect.map(configSentence(error), (text) => `${text}.`)
  return Effect.succeed(error instanceof Error ? `${error.message}.` : String(error))
}

/** Told at once, before what still runs is stopped. */
const complain = (cause: Cause.Cause<unknown>) =>
  Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.flatMap(sentence(cause), (text) => Console.error(`✗ ${text}`))

/**
 * Returns when the npm that started us is gone: whoever killed it (with a signal that it cannot pass on) meant the stack.
 * Without npm it waits for ever, for a shell that ends may well leave us running on purpose.
 */
const orphaned = Effect.gen(function* () {
  const parent = process.ppid
  const underNpm = Option.isSome(yield* Config.option(Config.String("npm_lifecycle_event")))
  if (!underNpm) return yield* Effect.never
  yield* Effect.repeat(
    Effect.sync(() => process.ppid === parent),
    { schedule: Schedule.spaced("500 millis"), while: (living) => living },
  )
})

const serve = Effect.gen(function* () {
  const config = yield* stackConfig
  const [time, { state, supervisor }] = yield* Effect.timed(Stack.start(config))
  yield* tell(summary(state, seconds(time)))
  yield* Effect.addFinalizer(() => tell("\nStopping …"))
  yield* Effect.raceFirst(supervisor.died, orphaned)
}).pipe(
  Effect.tapCause(complain),
  Effect.scoped,
  Effect.onInterrupt(() => tell("Stopped.")),
)

const program = process.argv.includes("--help")
  ? Console.log(help(listeners))
  : Effect.provide(serve, NodeFileSystem.layer)

NodeRuntime.runMain(program, {
  disableErrorReporting: true,
  // To be asked to stop, and to have stopped, is success.
  teardown: (exit, done) => done(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1),
})
