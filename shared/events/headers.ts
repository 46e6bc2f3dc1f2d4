/** What travels beside an event: what it is known by, whose request and which trace it belongs to. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { NatsMessage } from "../nats/NatsMessage.ts"
import { RequestId, requestIdHeader, wellFormedRequestId } from "../telemetry/RequestId.ts"
import { formatTraceparent, parseTraceparent, traceparentHeader } from "../telemetry/traceparent.ts"

type Header = NatsMessage["header"]

/** On a message that is replayed: the id of the event, for its `Nats-Msg-Id` must be another one. */
export const eventIdHeader = "x-event-id"
/** On a message that is replayed: the consumer that had given it up. It is nobody else's business. */
export const replayForHeader = "x-replay-for"

/** What can be noted in a table, and written in a line. */
const usableId = /^[\x20-\x7e]{1,512}$/

/** The id of the event, the same for every delivery and replay; none where it has none that can be told from others. */
export const eventIdOf = ({ id, header }: Pick<NatsMessage, "id" | "header">): Option.Option<string> => {
  const given = header(eventIdHeader) ?? id
  return usableId.test(given) ? Option.some(given) : Option.none()
}

/** The headers of an event that is made now. */
export const currentHeaders: Effect.Effect<Readonly<Record<string, string>>> = Effect.gen(function* () {
  const requestId = yield* RequestId
  const span = yield* Effect.serviceOption(Tracer.ParentSpan)
  return {
    ...(requestId !== undefined && { [requestIdHeader]: requestId }),
    ...(Option.isSome(span) && { [traceparentHeader]: formatTraceparent(span.value) }),
  }
})

/** The request that an event came from, if it says so in a form that may be logged. */
export const requestIdOf = (header: Header): string | undefined => {
  const id = header(requestIdHeader)
  return id !== undefined && wellFormedRequestId(id) ? id : undefined
}

/** The span that published an event. */
export const publisherOf = (header: Header): Option.Option<Tracer.ExternalSpan> =>
  Option.flatMap(Option.fromNullishOr(header(traceparentHeader)), parseTraceparent)

/** What an event must keep of its headers to be told from whom it came, as far as it is well formed. */
export const originOf = (header: Header): Readonly<Record<string, string>> => {
  const requestId = requestIdOf(header)
  const publisher = publisherOf(header)
  return {
    ...(requestId !== undefined && { [requestIdHeader]: requestId }),
    ...(Option.isSome(publisher) && { [traceparentHeader]: formatTraceparent(publisher.value) }),
  }
}
