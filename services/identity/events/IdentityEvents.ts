/** News about users, on `identity.events`. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { IdentityEventSchema } from "#gen/authsome/identity/v1/events_pb.ts"
import { Outbox } from "#shared/events/Outbox.ts"
import type { UserId } from "../users/User.ts"

export type News = NonNullable<MessageInitShape<typeof IdentityEventSchema>["kind"]>

export class IdentityEvents extends Context.Service<
  IdentityEvents,
  {
    /** Appends to the transaction that the caller runs in; those about one user are published in their order. */
    readonly append: (about: UserId, news: News) => Effect.Effect<void>
  }
>()("identity/IdentityEvents") {
  static readonly layer = Layer.effect(
    IdentityEvents,
    Effect.map(Outbox, (outbox) =>
      IdentityEvents.of({
        append: Effect.fnUntraced(function* (about, kind) {
          const occurredAt = timestampFromMs(yield* Clock.currentTimeMillis)
          yield* outbox.append(IdentityEventSchema, { occurredAt, kind }, { aggregate: about })
        }),
      }),
    ),
  )

  /** For an instance without a queue: nobody would ever read them, so they are not written. */
  static readonly layerNone = Layer.succeed(IdentityEvents, IdentityEvents.of({ append: () => Effect.void }))
}
