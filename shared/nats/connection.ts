/** The one connection of a process: made in the background, mended for ever. */

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { connect, Events, type NatsConnection } from "nats"
import { type NatsUnavailable, unavailable } from "./NatsUnavailable.ts"
import type { StreamLimits } from "./StreamLimits.ts"

export interface NatsOptions {
  readonly url: Redacted.Redacted<string>
  /** The name that the server shows for the connection. */
  readonly name: string
  /** The longest that a request may take. Unset: 3 s. */
  readonly timeout?: Duration.Input
  /** Whether the process is not ready without NATS. Unset: false; it is shown as failing all the same. */
  readonly required?: boolean
  /** For every stream that is used. Unset: `NATS_STREAM_REPLICAS` and `NATS_STREAM_MAX_BYTES`. */
  readonly limits?: StreamLimits
}

/** The client takes neither credentials nor the protocol from a URL. */
const servers = (url: Redacted.Redacted<string>) => {
  const urls = Redacted.value(url)
    .split(",")
    .map((each) => new URL(each))
  const { username = "", password = "" } = urls.find((each) => each.username !== "") ?? {}
  return {
    servers: urls.map(({ host }) => host),
    ...(username !== "" && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(urls.some(({ protocol }) => protocol === "tls:") && { tls: {} }),
  }
}

/** How long a stop waits for what is on its way; a server that is away gets nothing. */
const flushWithin = Duration.seconds(1)

const opening = (options: NatsOptions): Effect.Effect<NatsConnection, NatsUnavailable, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        connect({
          ...servers(options.url),
          name: options.name,
          timeout: Duration.toMillis(options.timeout ?? "3 seconds"),
          maxReconnectAttempts: -1,
          reconnectTimeWait: 200,
          reconnectJitter: 200,
          ignoreAuthErrorAbort: true,
          pingInterval: 10_000,
        }),
      catch: unavailable,
    }),
    (nats) =>
      // What was acknowledged or refused last may not have left yet, and would be done again.
      Effect.tryPromise(() => nats.flush()).pipe(
        Effect.timeout(flushWithin),
        Effect.ignore,
        Effect.andThen(Effect.promise(() => nats.close())),
      ),
  )

/** The first connection, for which it waits; it mends itself for ever. */
export const establish = (options: NatsOptions): Effect.Effect<NatsConnection, never, Scope.Scope> =>
  Effect.catch(opening(options), (error) =>
    Effect.logWarning("NATS is away", { reason: error.reason }).pipe(
      Effect.andThen(
        Effect.retry(
          opening(options),
          Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")]),
        ),
      ),
      Effect.tap(Effect.logInfo("NATS is back")),
      Effect.orDie,
    ),
  )

/** Tells, until it is interrupted, when the connection breaks and when it stands again. */
export const watch = (nats: NatsConnection, onChange: (up: boolean) => void): Effect.Effect<never> =>
  Effect.callback<never>(() => {
    // The statuses end when the connection is closed, which its scope does after this one.
    const follow = async () => {
      for await (const { type } of nats.status()) {
        if (type === Events.Disconnect) onChange(false)
        if (type === Events.Reconnect) onChange(true)
      }
    }
    void follow()
  })
