/** A whole stack of its own for a test file, in a temporary folder and on free ports. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { type StackConfig, stackConfig } from "#local/Config.ts"
import { Progress } from "#local/progress.ts"
import * as Stack from "#local/Stack.ts"

export class TestStack extends Context.Service<TestStack, Stack.Stack>()("test/system/TestStack") {
  static readonly layer = Layer.effect(
    TestStack,
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      return yield* start(yield* files.makeTempDirectoryScoped({ prefix: "authsome-system-" }))
    }),
  ).pipe(Layer.provide(NodeFileSystem.layer))
}

/** Settings of a quiet stack in `dir` on free ports. */
export const configIn = (dir: string): Effect.Effect<StackConfig> =>
  Effect.orDie(
    Effect.provideService(
      stackConfig,
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromUnknown({ STACK_DIR: dir, PORTS: "auto", LOG_LEVEL: "warn" }),
    ),
  )

/** Starts a stack in `dir`; it stops with the scope. */
export const start = Effect.fnUntraced(function* (dir: string) {
  const config = yield* configIn(dir)
  return yield* Effect.provideService(Stack.start({ ...config, durable: false }), Progress, () => Effect.void)
})

/** Asks until the fact is there; dies with the last answer after `seconds`. */
export const eventually = <A, E>(
  ask: Effect.Effect<A, E>,
  fact: (answer: A) => boolean,
  seconds = 30,
  every: Duration.Input = "25 millis",
): Effect.Effect<A> =>
  Effect.flatMap(ask, (answer) => (fact(answer) ? Effect.succeed(answer) : Effect.fail(answer))).pipe(
    Effect.retry(Schedule.spaced(every).pipe(Schedule.upTo({ duration: `${seconds} seconds` }))),
    Effect.catch((last) => Effect.die(new Error(`never true; last: ${JSON.stringify(last)}`))),
  )
