/** The rates of a program: counted by all its processes together where it has a Redis, else by each for itself. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Readiness } from "../../runtime/Readiness.ts"
import { RateLimits } from "../RateLimits.ts"
import type { SharedOptions } from "./SharedLimits.ts"

export interface Options extends SharedOptions {
  readonly redisUrl: Option.Option<Redacted.Redacted<string>>
}

/** Redis must never hold up a call: if it does not answer in this time, the process counts for itself. */
const redisTimeout = Duration.millis(250)

/** Only who has a Redis pays for the code that talks to it. */
const together = Effect.promise(() => Promise.all([import("./SharedLimits.ts"), import("../../redis/Redis.ts")]))

export const layer = ({ redisUrl, ...options }: Options): Layer.Layer<RateLimits, never, Readiness> =>
  Option.match(redisUrl, {
    onNone: () => RateLimits.layer(options),
    onSome: (url) =>
      Layer.unwrap(
        Effect.map(together, ([SharedLimits, { Redis }]) =>
          Layer.provide(SharedLimits.layer(options), Redis.layer({ url, commandTimeout: redisTimeout })),
        ),
      ),
  })
