/** The W3C `traceparent` header, version 00: how a trace goes on in another program. */
import { INVALID_SPANID, INVALID_TRACEID, TraceFlags } from "@opentelemetry/api"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** The header, in HTTP, gRPC metadata and NATS alike. */
export const traceparentHeader = "traceparent"

const shape = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/
const lengthOfVersion00 = 55

/** The caller's span; none if the header is malformed or its ids are all zero, in which case a new trace begins. */
export const parseTraceparent = (header: string): Option.Option<Tracer.ExternalSpan> => {
  // Later versions may append fields; only version 00 ends here, and ff is forbidden.
  const isForeign = header.startsWith("ff") || (header.startsWith("00") && header.length !== lengthOfVersion00)
  if (isForeign || !shape.test(header)) return Option.none()
  const traceId = header.slice(3, 35)
  const spanId = header.slice(36, 52)
  if (traceId === INVALID_TRACEID || spanId === INVALID_SPANID) return Option.none()
  const sampled = (Number.parseInt(header.slice(53, 55), 16) & TraceFlags.SAMPLED) !== 0
  return Option.some(Tracer.externalSpan({ traceId, spanId, sampled }))
}

/** The header that makes another program's spans children of this one. */
export const formatTraceparent = (span: Tracer.AnySpan): string =>
  `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`
