/** Redis, as something that may be away: connects in the background, fails fast, and says so with one error. */

import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Redis as IoRedis } from "ioredis"
import { redisUrl } from "../runtime/EnvConfig.ts"
import { Readiness } from "../runtime/Readiness.ts"

/** Redis is away, too slow, or cannot serve just now. */
export class RedisUnavailable extends Schema.TaggedError<RedisUnavailable>()("RedisUnavailable", {
  reason: Schema.String,
}) {
  override get message(): string {
    return `Redis is unavailable: ${this.reason}`
  }
}

/** How `set` writes. */
export interface SetOptions {
  /** Unset: the value stays until it is deleted. */
  readonly expiresIn?: Duration.Input
  /** Write only where nothing is. */
  readonly onlyIfAbsent?: boolean
}

export interface RedisOptions {
  readonly url: Redacted.Redacted<string>
  /** The longest that a command may take. Unset: 1 s. */
  readonly commandTimeout?: Duration.Input
  /** Whether the process is not ready without Redis. Unset: false; it is shown as failing all the same. */
  readonly required?: boolean
}

/** A message of a channel. */
export interface ChannelMessage {
  readonly channel: string
  readonly message: string
}

export class Redis extends Context.Service<
  Redis,
  {
    readonly get: (key: string) => Effect.Effect<Option.Option<string>, RedisUnavailable>
    /** Whether the value was written: false only with `onlyIfAbsent`. */
    readonly set: (key: string, value: string, options?: SetOptions) => Effect.Effect<boolean, RedisUnavailable>
    /** How many of the keys there were. */
    readonly del: (...keys: ReadonlyArray<string>) => Effect.Effect<number, RedisUnavailable>
    /** Whether the key is there to expire. */
    readonly expire: (key: string, after: Duration.Input) => Effect.Effect<boolean, RedisUnavailable>
    /** The new value. */
    readonly incrBy: (key: string, amount: number) => Effect.Effect<number, RedisUnavailable>
    /** Adds to a HyperLogLog; whether its estimate changed. */
    readonly pfadd: (key: string, elements: ReadonlyArray<string>) => Effect.Effect<boolean, RedisUnavailable>
    /** The estimated number of distinct elements over all keys, within 0.81 % (standard error). */
    readonly pfcount: (...keys: ReadonlyArray<string>) => Effect.Effect<number, RedisUnavailable>
    /** How many subscribers the message reached. */
    readonly publish: (channel: string, message: string) => Effect.Effect<number, RedisUnavailable>
    /**
     * Messages from now on. Lost connections are made again; what was published meanwhile is lost, and so is the oldest
     * of more than 4096 that nobody took.
     */
    readonly subscribe: (...channels: ReadonlyArray<string>) => Stream.Stream<ChannelMessage>
    /** Any other command, on the client itself. Replies that tell of a mistake of ours are defects. */
    readonly use: <A>(f: (client: IoRedis) => Promise<A>) => Effect.Effect<A, RedisUnavailable>
  }
>()("shared/redis/Redis") {
  /** Needs no Redis to be built. Adds the readiness check "redis". */
  static readonly layer = (options: RedisOptions): Layer.Layer<Redis, never, Readiness> =>
    Layer.effect(Redis, make(options))

  /** As `layer`, with `REDIS_URL`. */
  static readonly layerConfig = (
    options: Omit<RedisOptions, "url"> = {},
  ): Layer.Layer<Redis, Config.ConfigError, Readiness> =>
    Layer.unwrap(Effect.map(redisUrl, (url) => Redis.layer({ ...options, url })))
}

/** A reply of these kinds means that the command can never work: a mistake of ours. All others may pass. */
const mistakes = /^(ERR|WRONGTYPE|NOSCRIPT|EXECABORT|NOPERM)\b/

const failure = (error: unknown): Effect.Effect<never, RedisUnavailable> => {
  const { name, message } = error instanceof Error ? error : new Error("unknown")
  return name === "ReplyError" && mistakes.test(message)
    ? Effect.die(error)
    : Effect.fail(new RedisUnavailable({ reason: message }))
}

const reconnecting = {
  connectTimeout: 2000,
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 6), 2000),
}

/** Connections that carry commands fail at once while Redis is away; the one that listens waits and listens again. */
const commands = (timeout: Duration.Input) => ({
  ...reconnecting,
  enableOfflineQueue: false,
  enableAutoPipelining: true,
  commandTimeout: Duration.toMillis(timeout),
  // A command that was on its way when the connection broke may have been done: the caller decides.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
})
const listening = { ...reconnecting, maxRetriesPerRequest: null }

const make = Effect.fnUntraced(function* (options: RedisOptions) {
  const context = yield* Effect.context()
  const log = (effect: Effect.Effect<void>) => {
    Effect.runForkWith(context)(effect)
  }

  const connect = (settings: ReturnType<typeof commands> | typeof listening) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const client = new IoRedis(Redacted.value(options.url), settings)
        let away = false
        client.on("error", (error: Error) => {
          if (!away) log(Effect.logWarning("Redis is away", { reason: error.message }))
          away = true
        })
        client.on("ready", () => {
          if (away) log(Effect.logInfo("Redis is back"))
          away = false
        })
        return client
      }),
      (client) => Effect.sync(() => client.disconnect()),
    )

  const client = yield* connect(commands(options.commandTimeout ?? "1 second"))
  const use = <A>(f: (client: IoRedis) => Promise<A>): Effect.Effect<A, RedisUnavailable> =>
    Effect.catch(Effect.tryPromise({ try: () => f(client), catch: (error) => error }), failure)

  const readiness = yield* Readiness
  yield* readiness.register(
    "redis",
    use((redis) => redis.ping()),
    { required: options.required ?? false },
  )

  return Redis.of({
    get: (key) =>
      Effect.map(
        use((redis) => redis.get(key)),
        Option.fromNullishOr,
      ),
    set: (key, value, { expiresIn, onlyIfAbsent = false } = {}) => {
      const flags = [
        ...(expiresIn === undefined ? [] : ["PX", String(Math.ceil(Duration.toMillis(expiresIn)))]),
        ...(onlyIfAbsent ? ["NX"] : []),
      ]
      return Effect.map(
        use((redis) => redis.call("SET", key, value, ...flags)),
        (reply) => reply === "OK",
      )
    },
    del: (...keys) => use((redis) => redis.del(...keys)),
    expire: (key, after) =>
      Effect.map(
        use((redis) => redis.pexpire(key, Math.ceil(Duration.toMillis(after)))),
        (count) => count === 1,
      ),
    incrBy: (key, amount) => use((redis) => redis.incrby(key, amount)),
    pfadd: (key, elements) =>
      Effect.map(
        use((redis) => redis.pfadd(key, ...elements)),
        (changed) => changed === 1,
      ),
    pfcount: (...keys) => use((redis) => redis.pfcount(...keys)),
    publish: (channel, message) => use((redis) => redis.publish(channel, message)),
    subscribe: (...channels) =>
      Stream.callback<ChannelMessage>(
        (queue) =>
          Effect.gen(function* () {
            const subscriber = yield* connect(listening)
            subscriber.on("message", (channel: string, message: string) => {
              Queue.offerUnsafe(queue, { channel, message })
            })
            yield* Effect.promise(() => subscriber.subscribe(...channels))
          }),
        { bufferSize: 4096, strategy: "sliding" },
      ),
    use,
  })
})
