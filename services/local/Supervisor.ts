/** Runs the parts of the stack: starts them, notices when one ends by itself, and stops them in reverse order. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { ServerFailed } from "#shared/servers/ServerFailed.ts"
import type { ServerProcess } from "#shared/servers/ServerProcess.ts"

/** How a part is started: succeeds when it is ready, and stops it with the scope. */
export type Start<A extends { readonly process: ServerProcess }> = Effect.Effect<A, ServerFailed, Scope.Scope>

interface Running {
  readonly scope: Scope.Closeable
  readonly process: ServerProcess
  readonly watch: Fiber.Fiber<unknown>
}

export interface Supervisor {
  /** Starts a part under a name of its own ("postgres", "proxy"), by which the others know it. */
  readonly run: <A extends { readonly process: ServerProcess }>(
    name: string,
    start: Start<A>,
  ) => Effect.Effect<A, ServerFailed>
  /** Starts a part that was killed again, as it was started first; one that runs stays as it is. */
  readonly start: (name: string) => Effect.Effect<void, ServerFailed>
  /** Sends the part a signal that ends it, and returns when it has ended. That it ends is no failure of the stack. */
  readonly kill: (name: string, signal: NodeJS.Signals) => Effect.Effect<void>
  /** Stops the part in order and starts it again. */
  readonly restart: (name: string) => Effect.Effect<void, ServerFailed>
  /** The process of a part; 0 where it does not run. */
  readonly pid: (name: string) => number
  /** Waits, and fails when a part has ended that nobody asked to end. */
  readonly died: Effect.Effect<never, ServerFailed>
}

/** Closing the scope stops all parts, the last started first, each in the time it was given for that. */
export const make: Effect.Effect<Supervisor, never, Scope.Scope> = Effect.gen(function* () {
  const lifetime = yield* Scope.Scope
  const died = yield* Deferred.make<never, ServerFailed>()
  const starts = new Map<string, Start<{ readonly process: ServerProcess }>>()
  const running = new Map<string, Running>()

  const run = Effect.fnUntraced(function* <A extends { readonly process: ServerProcess }>(
    name: string,
    start: Start<A>,
  ): Effect.fn.Return<A, ServerFailed> {
    starts.set(name, start)
    const scope = yield* Scope.fork(lifetime)
    const part = yield* start.pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void)),
    )
    const { process } = part
    const unasked = Effect.flatMap(process.ended, process.failure)
    const watch = yield* Effect.forkIn(
      Effect.flatMap(unasked, (failure) => Deferred.fail(died, failure)),
      scope,
    )
    running.set(name, { scope, process, watch })
    return part
  })

  /** From here on the end of the part is asked for. */
  const released = Effect.fnUntraced(function* (name: string) {
    const part = running.get(name)
    running.delete(name)
    if (part !== undefined) yield* Fiber.interrupt(part.watch)
    return part
  })

  const start = Effect.fnUntraced(function* (name: string): Effect.fn.Return<void, ServerFailed> {
    const first = starts.get(name)
    if (first === undefined) return yield* Effect.die(new RangeError(`no part is called ${name}`))
    if (!running.has(name)) yield* run(name, first)
  })

  return {
    run,
    start,
    kill: Effect.fnUntraced(function* (name, signal) {
      const part = yield* released(name)
      if (part === undefined) return
      yield* part.process.signal(signal)
      yield* part.process.ended
      yield* Scope.close(part.scope, Exit.void)
    }),
    restart: Effect.fnUntraced(function* (name) {
      const part = yield* released(name)
      if (part !== undefined) yield* Scope.close(part.scope, Exit.void)
      yield* start(name)
    }),
    pid: (name) => running.get(name)?.process.pid ?? 0,
    died: Deferred.await(died),
  }
})
