/** Failures for which no message is to blame: something that all messages need is away, and will be back. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { NatsUnavailable } from "../nats/NatsUnavailable.ts"
import { describeError } from "../telemetry/renderCause.ts"

export interface Outage {
  /** In one line, for the log. */
  readonly reason: string
  /** The server answered, only too late: that may be the message's own fault, so patience with it ends. */
  readonly maybeTheMessage: boolean
}

/**
 * PostgreSQL's classes for a server that is going, coming or out of resources (appendix A: 08 connection, 53 resources,
 * 57P intervention, 58 system) and for a standby that cannot write (25006). The driver knows only some of them.
 */
const serverStates = /^(08|53|57P|58|25006)/

const sqlState = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const isServers = ({ reason }: SqlError): boolean =>
  reason.isRetryable ||
  reason._tag === "AuthenticationError" ||
  reason.operation === "connect" ||
  serverStates.test(sqlState(reason.cause))

const outageOf = (error: unknown): Outage | undefined => {
  const away = (maybeTheMessage = false): Outage => ({ reason: describeError(error), maybeTheMessage })
  if (isSqlError(error)) return isServers(error) ? away(error.reason._tag === "StatementTimeoutError") : undefined
  if (error instanceof NatsUnavailable) return error.concern === "message" ? undefined : away()
  // By name: not every program that consumes has use for the client of Redis.
  return error instanceof Error && error.name === "RedisUnavailable" ? away() : undefined
}

/** The outage behind an error, or behind what caused it; five are enough for anybody. */
const outageBehind = (error: unknown, depth = 5): Outage | undefined => {
  const outage = outageOf(error)
  if (outage !== undefined || depth === 1 || !(error instanceof Error)) return outage
  return outageBehind(error.cause, depth - 1)
}

/** The outage that a failure or a defect tells of; undefined where something else went wrong. */
export const outageIn = (cause: Cause.Cause<unknown>): Outage | undefined => {
  for (const reason of cause.reasons) {
    const error = Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
    const outage = outageBehind(error)
    if (outage !== undefined) return outage
  }
  return undefined
}

/** How often an effect is tried whose statements are answered too late: with a limit of 10 s, about two minutes. */
const patience = 8

const longestPauseMillis = 10_000

/** 0.1 s, doubled with every try, up to ten seconds, and half of it by chance. */
const pauseAfter = (tries: number): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) =>
    Effect.sleep(Duration.millis(Math.min(100 * 2 ** Math.min(tries, 20), longestPauseMillis) * (0.5 + random / 2))),
  )

/** Who wants to know of outages: told at every failure, and at the first success after one. */
export interface OutageWatch {
  readonly waiting: (outage: Outage) => Effect.Effect<void>
  readonly over: Effect.Effect<void>
}

/**
 * Runs the effect until it succeeds, or fails by itself: during an outage it is tried again, however long that takes. What
 * is answered too late again and again fails in the end.
 */
export const throughOutages = <A, E, R>(effect: Effect.Effect<A, E, R>, watch: OutageWatch): Effect.Effect<A, E, R> => {
  const attempt = (tries: number, late: number): Effect.Effect<A, E, R> =>
    Effect.matchCauseEffect(effect, {
      onSuccess: (value) => (tries === 0 ? Effect.succeed(value) : Effect.as(watch.over, value)),
      onFailure: (cause) => {
        const outage = outageIn(cause)
        if (outage === undefined || (outage.maybeTheMessage && late + 1 >= patience)) return Effect.failCause(cause)
        return watch
          .waiting(outage)
          .pipe(
            Effect.andThen(pauseAfter(tries)),
            Effect.andThen(Effect.suspend(() => attempt(tries + 1, outage.maybeTheMessage ? late + 1 : late))),
          )
      },
    })
  return attempt(0, 0)
}
