/** What travels beside an event: whose request and which trace it belongs to. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { RequestId, requestIdHeader, wellFormedRequestId } from "../telemetry/RequestId.ts"
import { formatTraceparent, parseTraceparent, traceparentHeader } from "../telemetry/traceparent.ts"

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
export const requestIdOf = (header: (name: string) => string | undefined): string | undefined => {
  const id = header(requestIdHeader)
  return id !== undefined && wellFormedRequestId(id) ? id : undefined
}

/** The span that published an event. */
export const publisherOf = (header: (name: string) => string | undefined): Option.Option<Tracer.ExternalSpan> =>
  Option.flatMap(Option.fromNullishOr(header(traceparentHeader)), parseTraceparent)
