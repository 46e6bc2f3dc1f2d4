import { assert, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { formatTraceparent, parseTraceparent } from "./traceparent.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"

it("a header is the span that it was made of", () => {
  for (const sampled of [true, false]) {
    const header = formatTraceparent(Tracer.externalSpan({ traceId, spanId, sampled }))
    assert.strictEqual(header, `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`)
    const parsed = Option.getOrThrow(parseTraceparent(header))
    assert.deepInclude(parsed, { traceId, spanId, sampled })
  }
})

it("a later version may say more, and other flags mean nothing", () => {
  assert.isTrue(Option.isSome(parseTraceparent(`01-${traceId}-${spanId}-01-more`)))
  assert.isFalse(Option.getOrThrow(parseTraceparent(`00-${traceId}-${spanId}-02`)).sampled)
})

it("a malformed header, or one of zeros, is none", () => {
  const broken = [
    "",
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
  ]
  for (const header of broken) assert.isTrue(Option.isNone(parseTraceparent(header)), header)
})
