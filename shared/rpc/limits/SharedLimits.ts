/**
 * The rates of a program whose processes count together, in Redis. While Redis is away each process counts for itself:
 * callers get a little more than their rate then, and nobody is refused for it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { sha256 } from "../../crypto/digest.ts"
import { Redis } from "../../redis/Redis.ts"
import type { RateClass } from "../Policy.ts"
import { type LimitOptions, RateLimits } from "../RateLimits.ts"
import { makeBuckets } from "./Buckets.ts"
import { type Bucket, type Rate, type Standing, standingOf } from "./TokenBucket.ts"

export interface SharedOptions extends LimitOptions {
  /** The program whose processes count together, such as "control-plane". */
  readonly program: string
}

/**
 * As `take` of TokenBucket.ts, by the clock of Redis, which is one for all. Answers with whether the call is allowed, the
 * tokens that are left, and the time. The key goes when its bucket is full: a new one says the same.
 */
const script = `
local burst, perMinute = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call("HMGET", KEYS[1], "tokens", "at")
local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * perMinute / 60000)
local allowed = 0
if tokens >= 1 then
  tokens = tokens - 1
  allowed = 1
end
redis.call("HSET", KEYS[1], "tokens", tostring(tokens), "at", now)
redis.call("PEXPIRE", KEYS[1], math.ceil((burst - tokens) * 60000 / perMinute) + 1)
return { allowed, tostring(tokens), now }
`

/** How long Redis is left alone after it has failed, so that calls do not wait for it one by one. Milliseconds. */
const pauseMs = 1000

const alone = Metric.counter("rpc_rate_limits_alone_total", {
  description: "Calls that this process counted for itself, because Redis is away.",
})

export const layer = ({ rates, told = true, program }: SharedOptions): Layer.Layer<RateLimits, never, Redis> =>
  Layer.effect(
    RateLimits,
    Effect.gen(function* () {
      const { use } = yield* Redis
      const clock = yield* Clock.Clock
      const buckets = makeBuckets()
      let askAgainAt = 0
      let away = false

      const answered = Effect.suspend(() => {
        if (!away) return Effect.void
        away = false
        return Effect.logInfo("the rates of callers are counted together again")
      })
      const failed = (why: unknown) =>
        Effect.suspend(() => {
          askAgainAt = clock.currentTimeMillisUnsafe() + pauseMs
          if (away) return Effect.void
          away = true
          return Effect.logWarning("Redis is away: this process counts the rates of its callers for itself", why)
        })

      const takeAlone = (key: string, rate: Rate) =>
        Effect.map(Metric.update(alone, 1), () => buckets.take(key, rate, clock.currentTimeMillisUnsafe()))

      const takeTogether = (key: string, rate: Rate) => {
        const otherwise = (why: unknown) => Effect.andThen(failed(why), takeAlone(key, rate))
        return use((client) => client.eval(script, 1, key, rate.burst, rate.perMinute)).pipe(
          Effect.map((reply) => standingIn(reply, rate)),
          Effect.tap(answered),
          Effect.catch(otherwise),
          // Even a script that Redis does not understand must not refuse anybody.
          Effect.catchDefect(otherwise),
        )
      }

      return {
        rates,
        told,
        take: (rateClass, rate, subject) =>
          Effect.suspend(() => {
            const key = keyOf(program, rateClass, subject)
            return clock.currentTimeMillisUnsafe() < askAgainAt ? takeAlone(key, rate) : takeTogether(key, rate)
          }),
      }
    }),
  )

/** Who it is stands in no key: a digest tells them apart as well. */
const keyOf = (program: string, rateClass: RateClass, subject: string): string =>
  `rate:${program}:${rateClass.toLowerCase()}:${sha256(subject).toString("base64url").slice(0, 22)}`

const standingIn = (reply: unknown, rate: Rate): Standing => {
  const [allowed, tokens, at] = Array.isArray(reply) ? reply : []
  const bucket: Bucket = { tokens: Number(tokens), at: Number(at) }
  return standingOf(allowed === 1, bucket, rate)
}
