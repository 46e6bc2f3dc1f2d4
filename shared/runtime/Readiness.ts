/** Whether this process can do its work now, as `/ready` and the health service answer it. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"

/** The state of each dependency, and of the whole. */
export interface ReadinessReport {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, "ok" | "failing">>
}

const checkTimeout = Duration.seconds(2)
/** Probes may come from many sides; the dependencies are asked once in this time. */
const cacheMillis = 500

interface Check {
  readonly name: string
  readonly run: Effect.Effect<void, unknown>
  readonly required: boolean
}

export class Readiness extends Context.Service<
  Readiness,
  {
    /**
     * Adds a check for as long as the scope lives; it fails when it takes longer than 2 s. A check that is not
     * `required` is shown, but the process is ready without it.
     */
    readonly register: (
      name: string,
      check: Effect.Effect<void, unknown>,
      options?: { readonly required?: boolean },
    ) => Effect.Effect<void, never, Scope.Scope>
    /** The state now, or of up to half a second ago. */
    readonly report: Effect.Effect<ReadinessReport>
    /** From now on the process is not ready, whatever the checks say: it finishes what it has and takes nothing new. */
    readonly draining: Effect.Effect<void>
  }
>()("shared/runtime/Readiness") {
  static readonly layer = Layer.effect(
    Readiness,
    Effect.gen(function* () {
      const checks = new Set<Check>()
      const turn = yield* Semaphore.make(1)
      let drains = false
      let cached: { readonly at: number; readonly report: ReadinessReport } | undefined

      const run = Effect.fnUntraced(function* () {
        const results = yield* Effect.forEach(
          checks,
          (check) =>
            check.run.pipe(
              Effect.timeout(checkTimeout),
              Effect.exit,
              Effect.map((exit) => ({ check, ok: Exit.isSuccess(exit) })),
            ),
          { concurrency: "unbounded" },
        )
        return {
          ready: results.every(({ check, ok }) => ok || !check.required),
          checks: Object.fromEntries(results.map(({ check, ok }) => [check.name, ok ? "ok" : "failing"] as const)),
        }
      })

      const fresh = Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        if (cached !== undefined && now - cached.at < cacheMillis) return cached.report
        const report = yield* run()
        cached = { at: now, report }
        return report
      })

      return Readiness.of({
        register: (name, run, { required = true } = {}) =>
          Effect.asVoid(
            Effect.acquireRelease(
              Effect.sync(() => {
                const check = { name, run, required }
                checks.add(check)
                cached = undefined
                return check
              }),
              (check) => Effect.sync(() => checks.delete(check)),
            ),
          ),
        report: Effect.map(Semaphore.withPermits(turn, 1)(fresh), (report) =>
          drains ? { ...report, ready: false } : report,
        ),
        draining: Effect.sync(() => {
          drains = true
        }),
      })
    }),
  )
}
