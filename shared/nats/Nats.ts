/** NATS JetStream, as something that may be away: connects in the background, for ever, and fails fast meanwhile. */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type JetStreamClient, type JetStreamManager, NatsError, headers as natsHeaders } from "nats"
import { natsUrl } from "../runtime/EnvConfig.ts"
import { Readiness } from "../runtime/Readiness.ts"
import { establish, type NatsOptions, watch } from "./connection.ts"
import { NatsUnavailable, unavailable } from "./NatsUnavailable.ts"
import { streamLimits } from "./StreamLimits.ts"
import type { StreamSettings } from "./StreamSettings.ts"
import { makeStreams } from "./Streams.ts"

export interface PublishOptions {
  /** The same id within two minutes is the same message: JetStream keeps the first. */
  readonly id: string
  readonly headers?: Readonly<Record<string, string>>
  /** Refuses to publish into any other stream. */
  readonly stream?: string
}

/** What is there while the connection stands. */
export interface JetStream {
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
  /** The server's version, such as "2.10.22". */
  readonly version: string
}

export class Nats extends Context.Service<
  Nats,
  {
    /** Succeeds when the stream has stored the message, or had stored it before. */
    readonly publish: (
      subject: string,
      payload: Uint8Array,
      options: PublishOptions,
    ) => Effect.Effect<{ readonly duplicate: boolean }, NatsUnavailable>
    /** Makes the stream, adds the subject, keeps it within the limits. A stream of another retention is a defect. */
    readonly ensureStream: (stream: StreamSettings) => Effect.Effect<void, NatsUnavailable>
    /** A call of the client itself; fails at once while there is no connection. */
    readonly use: <A>(f: (jetStream: JetStream) => Promise<A>) => Effect.Effect<A, NatsUnavailable>
  }
>()("shared/nats/Nats") {
  /** Needs no NATS to be built. Adds the readiness check "nats". Reads the limits of streams where none are given. */
  static readonly layer = (options: NatsOptions): Layer.Layer<Nats, Config.ConfigError, Readiness> =>
    Layer.effect(Nats, make(options))

  /** As `layer`, with `NATS_URL` (several servers separated by commas). */
  static readonly layerConfig = (options: Omit<NatsOptions, "url">): Layer.Layer<Nats, Config.ConfigError, Readiness> =>
    Layer.unwrap(Effect.map(natsUrl, (url) => Nats.layer({ ...options, url })))
}

const make = Effect.fnUntraced(function* (options: NatsOptions) {
  const timeout = Duration.toMillis(options.timeout ?? "3 seconds")
  const limits = options.limits ?? (yield* streamLimits)
  let jetStream: JetStream | undefined
  let up = false

  yield* Effect.gen(function* () {
    const nats = yield* establish(options)
    jetStream = {
      client: nats.jetstream({ timeout }),
      manager: yield* Effect.promise(() => nats.jetstreamManager({ timeout, checkAPI: false })),
      get version() {
        return nats.info?.version ?? "unknown"
      },
    }
    up = true
    const context = yield* Effect.context()
    yield* watch(nats, (standing) => {
      if (standing === up) return
      up = standing
      Effect.runForkWith(context)(up ? Effect.logInfo("NATS is back") : Effect.logWarning("NATS is away"))
    })
  }).pipe(Effect.forkScoped)

  const use = <A>(f: (jetStream: JetStream) => Promise<A>): Effect.Effect<A, NatsUnavailable> =>
    Effect.suspend(() => {
      const current = jetStream
      return current === undefined || !up
        ? Effect.fail(new NatsUnavailable({ reason: "not connected", concern: "connection" }))
        : Effect.tryPromise({ try: () => f(current), catch: (cause) => cause }).pipe(Effect.catch(refused))
    })

  const streams = makeStreams(use, limits)
  const readiness = yield* Readiness
  yield* readiness.register(
    "nats",
    use(({ manager }) => manager.getAccountInfo()),
    { required: options.required ?? false },
  )

  return Nats.of({
    publish: (subject, payload, { id, headers = {}, stream }) =>
      (stream === undefined ? Effect.void : streams.admit(stream, payload.length)).pipe(
        Effect.andThen(
          use(({ client }) => {
            const carried = natsHeaders()
            for (const [name, value] of Object.entries(headers)) carried.set(name, value)
            return client.publish(subject, payload, {
              msgID: id,
              headers: carried,
              timeout,
              ...(stream !== undefined && { expect: { streamName: stream } }),
            })
          }),
        ),
        Effect.map(({ duplicate }) => ({ duplicate })),
      ),
    ensureStream: streams.ensure,
    use,
  })
})

/** What NATS itself, or the way to it, says is for the caller; anything else is a mistake of ours. */
const refused = (cause: unknown): Effect.Effect<never, NatsUnavailable> =>
  cause instanceof NatsError ? Effect.fail(unavailable(cause)) : Effect.die(cause)
