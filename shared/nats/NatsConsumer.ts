/** Pulling messages off a stream, one for each free worker, through all outages. */

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JsMsg,
  nanos,
} from "nats"
import { Nats } from "./Nats.ts"
import { NatsUnavailable } from "./NatsUnavailable.ts"
import type { StreamSettings } from "./StreamSettings.ts"

export interface NatsConsumerOptions {
  readonly stream: StreamSettings
  /**
   * The name under which the server remembers how far we are; processes of one name share the work. Unset: a consumer
   * of this process alone, which sees only what is published from now on.
   */
  readonly durable?: string
  /** A message that is neither acknowledged nor refused after this time is delivered again. */
  readonly ackWait: Duration.Duration
}

/** A message that must be acknowledged, refused, or held on to. */
export interface NatsMessage {
  readonly id: string
  readonly subject: string
  readonly payload: Uint8Array
  /** How often it was delivered, this time included. */
  readonly deliveries: number
  readonly header: (name: string) => string | undefined
  /** Done: never deliver it again. */
  readonly ack: Effect.Effect<void>
  /** Not done: deliver it again after the delay. */
  readonly nak: (delay: Duration.Duration) => Effect.Effect<void>
  /** Still at it: the time to acknowledge starts again. */
  readonly working: Effect.Effect<void>
}

export interface NatsConsumer {
  /** The next message, however long that takes. Interrupting gives a message that comes too late back at once. */
  readonly next: Effect.Effect<NatsMessage>
}

/** How long a pull stays open; after it, the same is asked again. */
const pullMillis = 30_000

/** How long the server keeps a consumer without a name whose process is away. */
const inactiveMillis = 300_000

const lost = new NatsUnavailable({ reason: "the consumer is gone" })

/** JetStream's `JSConsumerNotFoundErr`. */
const consumerNotFound = 10_014

interface Made {
  readonly consumer: Consumer
  /** The sequence of the stream before which nothing will be delivered. */
  readonly passed: number
}

const create = Effect.fnUntraced(function* (
  nats: Nats["Service"],
  options: NatsConsumerOptions,
  passed: number | undefined,
): Effect.fn.Return<Made, NatsUnavailable> {
  const { name: stream, subject } = options.stream
  const shared = {
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(Duration.toMillis(options.ackWait)),
    filter_subject: subject,
    max_ack_pending: 1000,
  }
  const add = (config: Partial<ConsumerConfig>) =>
    nats.use(({ manager }) => manager.consumers.add(stream, { ...shared, ...config }))
  const bind = (info: ConsumerInfo) => nats.use(async ({ client }) => client.consumers.getPullConsumerFor(info))

  const { durable } = options
  if (durable !== undefined) {
    const info = yield* nats
      .use(({ manager }) => manager.consumers.info(stream, durable))
      .pipe(
        Effect.andThen(nats.use(({ manager }) => manager.consumers.update(stream, durable, changeable(shared)))),
        Effect.catchIf(
          (error) => error.code === consumerNotFound,
          () => add({ durable_name: durable, deliver_policy: DeliverPolicy.All }),
        ),
      )
    return { consumer: yield* bind(info), passed: 0 }
  }

  const { state } = yield* nats.use(({ manager }) => manager.streams.info(stream))
  const info = yield* add({
    inactive_threshold: nanos(inactiveMillis),
    // A stream that was emptied counts from one again: then all that it has is news.
    ...(passed === undefined
      ? { deliver_policy: DeliverPolicy.New }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: passed > state.last_seq ? 1 : passed + 1 }),
  })
  return { consumer: yield* bind(info), passed: state.last_seq }
})

/** What the server lets one change of a consumer that exists. */
const changeable = ({
  ack_wait,
  max_ack_pending,
}: {
  readonly ack_wait: number
  readonly max_ack_pending: number
}) => ({
  ack_wait,
  max_ack_pending,
})

/** One pull: a message, or null after `pullMillis` without one. */
const pull = (consumer: Consumer): Effect.Effect<JsMsg | null, NatsUnavailable> =>
  Effect.callback((resume) => {
    let wanted = true
    consumer.next({ expires: pullMillis, bind: true }).then(
      (message) => (wanted ? resume(Effect.succeed(message)) : message?.nak()),
      (cause: unknown) => {
        if (wanted) resume(Effect.fail(cause instanceof Error ? new NatsUnavailable({ reason: cause.message }) : lost))
      },
    )
    return Effect.sync(() => {
      wanted = false
    })
  })

const view = (message: JsMsg): NatsMessage => ({
  id: message.headers?.get("Nats-Msg-Id") ?? "",
  subject: message.subject,
  payload: message.data,
  deliveries: message.info.redeliveryCount,
  header: (name) => message.headers?.get(name) || undefined,
  ack: Effect.sync(() => message.ack()),
  nak: (delay) => Effect.sync(() => message.nak(Duration.toMillis(delay))),
  working: Effect.sync(() => message.working()),
})

/** The consumer, made when NATS is there, and made again when the server has lost it. */
export const makeNatsConsumer = (options: NatsConsumerOptions): Effect.Effect<NatsConsumer, never, Nats> =>
  Effect.gen(function* () {
    const nats = yield* Nats
    const turn = yield* Semaphore.make(1)
    let made: Made | undefined
    let passed: number | undefined

    const current: Effect.Effect<Made, NatsUnavailable> = Semaphore.withPermits(
      turn,
      1,
    )(
      Effect.suspend(() =>
        made === undefined
          ? nats.ensureStream(options.stream).pipe(
              Effect.andThen(Effect.suspend(() => create(nats, options, passed))),
              Effect.tap((fresh) =>
                Effect.sync(() => {
                  made = fresh
                  passed ??= fresh.passed
                }),
              ),
            )
          : Effect.succeed(made),
      ),
    )

    const attempt: Effect.Effect<NatsMessage | undefined, NatsUnavailable> = Effect.gen(function* () {
      const from = yield* current
      const message = yield* Effect.tapError(pull(from.consumer), () =>
        Effect.sync(() => {
          if (made === from) made = undefined
        }),
      )
      if (message === null) return undefined
      passed = Math.max(passed ?? 0, message.seq)
      return view(message)
    })

    const next: Effect.Effect<NatsMessage> = attempt.pipe(
      Effect.tapError((error) => Effect.logDebug("waiting for messages", { reason: error.reason })),
      Effect.retry(Schedule.jittered(Schedule.spaced("300 millis"))),
      Effect.orDie,
      Effect.flatMap((message) => (message === undefined ? next : Effect.succeed(message))),
    )

    return { next }
  })
