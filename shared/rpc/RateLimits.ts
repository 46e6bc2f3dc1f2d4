/**
 * How often each caller may call: the port between the guard of an rpc, which knows class and caller, and whoever counts.
 * `RateLimits.layer` counts in this process alone; `limits/SharedLimits.ts` for all processes of a program together.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeBuckets } from "./limits/Buckets.ts"
import type { Rates } from "./limits/Rates.ts"
import type { Rate, Standing } from "./limits/TokenBucket.ts"
import type { RateClass } from "./Policy.ts"

export interface LimitOptions {
  readonly rates: Rates
  /** Whether X-RateLimit headers tell callers where they stand; not where somebody in front tells of rates. True where unset. */
  readonly told?: boolean
}

export class RateLimits extends Context.Service<
  RateLimits,
  {
    readonly rates: Rates
    readonly told: boolean
    /** Counts a call of the class by `subject` against `rate`; never fails. */
    readonly take: (rateClass: RateClass, rate: Rate, subject: string) => Effect.Effect<Standing>
  }
>()("shared/rpc/RateLimits") {
  /** Each process for itself. */
  static readonly layer = ({ rates, told = true }: LimitOptions): Layer.Layer<RateLimits> =>
    Layer.effect(
      RateLimits,
      Effect.map(Clock.Clock, (clock) => {
        const buckets = makeBuckets()
        return {
          rates,
          told,
          take: (rateClass, rate, subject) =>
            Effect.sync(() => buckets.take(`${rateClass} ${subject}`, rate, clock.currentTimeMillisUnsafe())),
        }
      }),
    )

  /** Nobody is counted: for a process that only its own tests call, or that somebody in front limits. */
  static readonly layerNone: Layer.Layer<RateLimits> = RateLimits.layer({ rates: {} })
}
