/** Events, decided together with the change that they tell of, and published afterwards: never one without the other. */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { newId } from "../ids/Id.ts"
import { eventContract } from "./EventContract.ts"
import { currentHeaders } from "./headers.ts"
import { OutboxStore } from "./OutboxStore.ts"

/** NATS takes up to a megabyte; an event is a piece of news, not a document. */
const maxBytes = 512 * 1024

export class Outbox extends Context.Service<
  Outbox,
  {
    /**
     * Appends an event to the transaction that the caller runs in; it is published after the commit, at least once,
     * and in order among the events of one `aggregate` (the id of what changed). It carries the current request id
     * and trace. Outside of a transaction, or for a message that is no event, this is a defect.
     */
    readonly append: <M extends DescMessage>(
      schema: M,
      event: MessageInitShape<M>,
      options: { readonly aggregate: string },
    ) => Effect.Effect<void>
  }
>()("shared/events/Outbox") {
  static readonly layer = Layer.effect(
    Outbox,
    Effect.gen(function* () {
      const store = yield* OutboxStore
      return Outbox.of({
        append: Effect.fnUntraced(function* (schema, event, { aggregate }) {
          const stream = eventContract(schema)
          const payload = toBinary(schema, create(schema, event))
          if (payload.length > maxBytes) return yield* Effect.die(new RangeError(`${schema.typeName} is too large`))
          const id = yield* newId("evt")
          yield* store.insert({ id, stream, aggregate, payload, headers: yield* currentHeaders })
        }, Effect.orDie),
      })
    }),
  ).pipe(Layer.provide(OutboxStore.layer))
}
