/** The control plane's wishes, off the work queue: noted in one transaction, which wakes the reconcilers. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DeprovisionRequestedSchema, ProvisionRequestedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { consume } from "#shared/events/Consumer.ts"
import { Inbox } from "#shared/events/Inbox.ts"
import { Provisionings } from "./Provisionings.ts"
import { toAbsent, toDesired } from "./proto.ts"

export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const inbox = yield* Inbox
    const provisionings = yield* Provisionings
    return Layer.merge(
      consume(ProvisionRequestedSchema, {
        durable: "provisioner-provision",
        concurrency: 4,
        handle: Effect.fnUntraced(function* ({ desired }, { id }) {
          if (desired === undefined) return yield* Effect.die(new TypeError("the desired state is missing"))
          yield* inbox.once(
            id,
            Effect.suspend(() => provisionings.desire(toDesired(desired))),
          )
        }),
      }),
      consume(DeprovisionRequestedSchema, {
        durable: "provisioner-deprovision",
        concurrency: 4,
        handle: (message, { id }) =>
          inbox.once(
            id,
            Effect.suspend(() => provisionings.desire(toAbsent(message))),
          ),
      }),
    )
  }),
)
