/** Makes the handler of a create safe to repeat by its request's `request_id`. */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import type { PerCall } from "#shared/rpc/Handlers.ts"
import { FailedPrecondition, type PublicError } from "#shared/rpc/PublicError.ts"
import { currentUser } from "../users/authenticate.ts"
import { Idempotency } from "./Idempotency.ts"

const reused = new FailedPrecondition({
  reason: "REQUEST_ID_REUSED",
  message: "another request was made with this idempotency key within the last 24 hours",
})

/** The handler, run once for each request id of a caller; without a request id every request is a new one. */
export const repeatable = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handler: (request: MessageShape<I>) => Effect.Effect<MessageInitShape<O>, PublicError, PerCall>,
): Effect.Effect<
  (request: MessageShape<I>) => Effect.Effect<MessageInitShape<O>, PublicError, PerCall>,
  never,
  Idempotency
> =>
  Effect.map(Idempotency, (idempotency) => {
    const name = `${method.parent.typeName}/${method.name}`
    return Effect.fnUntraced(function* (request: MessageShape<I>) {
      const requestId = requestIdOf(request)
      if (requestId === "") return yield* handler(request)
      const { userId } = yield* currentUser
      const answer = Effect.map(handler(request), (init) => toBinary(method.output, create(method.output, init)))
      const key = { caller: userId, method: name, requestId }
      const bytes = yield* idempotency
        .once(key, toBinary(method.input, request), answer)
        .pipe(Effect.catchTag("RequestIdReused", () => reused))
      return fromBinary(method.output, bytes)
    })
  })

const requestIdOf = (request: object): string =>
  "requestId" in request && typeof request.requestId === "string" ? request.requestId : ""
