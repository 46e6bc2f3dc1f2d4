/** Handling events: each in its own span, under the publisher's trace and request, until it is done or given up. */
import type { DescMessage } from "@bufbuild/protobuf"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Nats } from "../nats/Nats.ts"
import { makeNatsConsumer } from "../nats/NatsConsumer.ts"
import { Consumers } from "./Consumers.ts"
import { DeadLetterStore } from "./DeadLetterStore.ts"
import { type Consumption, deliver } from "./Delivery.ts"
import { eventContract } from "./EventContract.ts"
import { defaultAckWait, type Handler } from "./handling.ts"
import type { Inbox } from "./Inbox.ts"
import { outageLog } from "./OutageLog.ts"
import { observeLag } from "./observeLag.ts"

export interface ConsumeOptions<M extends DescMessage, E, R> {
  /** The name under which the processes of a service share the work, such as `provisioner`. */
  readonly durable: string
  /** So many at a time in this process. Unset: one, which keeps the order unless one fails. */
  readonly concurrency?: number
  /** After so many failures the message goes to `dead_letters`. Unset: 10, which takes about four minutes. */
  readonly maxDeliver?: number
  /** The longest that the handler may take. Unset: 10 minutes. */
  readonly timeout?: Duration.Input
  /** Where a process dies, its messages go to another one after this time. Unset: 30 s. */
  readonly ackWait?: Duration.Duration
  /**
   * Acknowledged when it succeeds; otherwise the message comes again after a while, also after a defect. It must bear
   * being run twice: `Inbox.once` is the way to. Fails with `Rejected` where no repeat can help.
   */
  readonly handle: Handler<M, E, R>
  /** Runs after a message was buried, for whatever reason: to count it, say. */
  readonly onGivenUp?: Effect.Effect<void>
}

/**
 * Consumes an event durably: every message is handled by one of the processes of this name, at least once, and
 * acknowledged after the handler succeeded. What fails too often, or cannot be read, is buried with its reason. While
 * something that all messages need is away (`Outage`), the worker keeps its message and waits: no try is counted.
 */
export const consume = <M extends DescMessage, E, R>(
  schema: M,
  options: ConsumeOptions<M, E, R>,
): Layer.Layer<never, never, Nats | Inbox | DeadLetterStore | Consumers | R> => {
  const stream = eventContract(schema)
  const { durable, concurrency = 1, ackWait = defaultAckWait } = options
  return Layer.effectDiscard(
    Effect.gen(function* () {
      const consumption: Consumption<M, E, R> = {
        schema,
        subject: stream.subject,
        consumer: durable,
        handle: options.handle,
        timeout: options.timeout ?? "10 minutes",
        maxDeliver: options.maxDeliver ?? 10,
        ackWait,
        onGivenUp: options.onGivenUp ?? Effect.void,
        letters: yield* DeadLetterStore,
        watch: outageLog(stream.subject),
      }
      yield* (yield* Consumers).enlist({ durable, stream, schema })
      yield* Effect.forkScoped(observeLag(stream, durable))
      const { next } = yield* makeNatsConsumer({ stream, durable, ackWait })
      const worker = Effect.forever(Effect.flatMap(next, (message) => deliver(consumption, message)))
      yield* Effect.forEach(Array.from({ length: concurrency }), () => Effect.forkScoped(worker))
    }),
  )
}
