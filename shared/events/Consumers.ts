/** The durable consumers of this process, for those who look after them. */
import type { DescMessage } from "@bufbuild/protobuf"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { StreamSettings } from "../nats/StreamSettings.ts"

export interface RunningConsumer {
  /** Its name, shared by the processes of a service. */
  readonly durable: string
  /** Where its events come from. */
  readonly stream: StreamSettings
  readonly schema: DescMessage
}

export class Consumers extends Context.Service<
  Consumers,
  {
    /** Lists the consumer until the scope closes. */
    readonly enlist: (consumer: RunningConsumer) => Effect.Effect<void, never, Scope.Scope>
    /** Those that run now. */
    readonly all: Effect.Effect<ReadonlyArray<RunningConsumer>>
  }
>()("shared/events/Consumers") {
  static readonly layer = Layer.sync(Consumers, () => {
    const running = new Set<RunningConsumer>()
    return Consumers.of({
      enlist: (consumer) =>
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.sync(() => running.add(consumer)),
            () => Effect.sync(() => running.delete(consumer)),
          ),
        ),
      all: Effect.sync(() => [...running]),
    })
  })
}
