/** A consumer that the server remembers by name: its processes share the work, and the next one goes on where it stopped. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { AckPolicy, type Consumer, DeliverPolicy } from "nats"
import { ackSettings } from "./ackSettings.ts"
import type { Nats } from "./Nats.ts"
import type { NatsUnavailable } from "./NatsUnavailable.ts"
import type { StreamSettings } from "./StreamSettings.ts"

/** JetStream's `JSConsumerNotFoundErr`. */
const consumerNotFound = 10_014

/** The consumer of that name, made where there is none; one that exists gets the time to acknowledge of today. */
export const durableConsumer = (
  nats: Nats["Service"],
  { name: stream, subject }: StreamSettings,
  durable: string,
  ackWait: Duration.Duration,
): Effect.Effect<Consumer, NatsUnavailable> => {
  const settings = ackSettings(ackWait)
  return nats
    .use(({ manager }) => manager.consumers.info(stream, durable))
    .pipe(
      Effect.andThen(nats.use(({ manager }) => manager.consumers.update(stream, durable, settings))),
      Effect.catchIf(
        (error) => error.code === consumerNotFound,
        () =>
          nats.use(({ manager }) =>
            manager.consumers.add(stream, {
              ...settings,
              durable_name: durable,
              filter_subject: subject,
              ack_policy: AckPolicy.Explicit,
              deliver_policy: DeliverPolicy.All,
            }),
          ),
      ),
      Effect.flatMap((info) => nats.use(async ({ client }) => client.consumers.getPullConsumerFor(info))),
    )
}
