/** Consumes authsome.provisioner.v1.ApplicationStatusChanged (`app.status`), each report once. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { ApplicationStatusChangedSchema } from "#gen/authsome/provisioner/v1/events_pb.ts"
import { consume } from "#shared/events/Consumer.ts"
import { Inbox } from "#shared/events/Inbox.ts"
import { Observations } from "./Observations.ts"
import { toObservation } from "./proto.ts"

export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const observations = yield* Observations
    const inbox = yield* Inbox
    return consume(ApplicationStatusChangedSchema, {
      durable: "control-plane",
      handle: (message, { id }) =>
        Option.match(toObservation(message), {
          onNone: () => Effect.die(new TypeError("a report without status or time")),
          onSome: (observation) => Effect.asVoid(inbox.once(id, observations.record(observation))),
        }),
    })
  }),
)
