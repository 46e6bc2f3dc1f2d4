/** Where a page of dead letters ended, as a text that callers hand back. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DeadLetterCursor } from "../events/DeadLetterStore.ts"
import { InvalidRequest } from "../rpc/PublicError.ts"

/** A time in epoch microseconds, a consumer and a message, none longer than it can be. */
const Place = Schema.fromJsonString(
  Schema.Tuple([
    Schema.String.check(Schema.isPattern(/^\d{1,18}$/)),
    Schema.String.check(Schema.isMaxLength(128)),
    Schema.String.check(Schema.isMaxLength(512)),
  ]),
)
const decode = Schema.decodeEffect(Place)

const foreign = new InvalidRequest({
  reason: "INVALID_REQUEST",
  message: "the page token is none of ours",
  violations: [{ field: "page_token", description: "must be the next_page_token of a page" }],
})

export const tokenOf = ({ failedMicros, consumer, messageId }: DeadLetterCursor): string =>
  Buffer.from(JSON.stringify([String(failedMicros), consumer, messageId])).toString("base64url")

/** The place; undefined for the empty token, which stands for the beginning. */
export const cursorOf = (token: string): Effect.Effect<DeadLetterCursor | undefined, InvalidRequest> =>
  token === ""
    ? Effect.undefined
    : decode(Buffer.from(token, "base64url").toString()).pipe(
        Effect.map(([micros, consumer, messageId]) => ({ failedMicros: BigInt(micros), consumer, messageId })),
        Effect.mapError(() => foreign),
      )
