/** The span of a served call. */
import type { DescMethod } from "@bufbuild/protobuf"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { parseTraceparent, traceparentHeader } from "../telemetry/traceparent.ts"
import { rpcName } from "./Policy.ts"
import type { CallInit } from "./Route.ts"

/**
 * Begins and ends the spans of one rpc's calls. The tracer is asked directly: `Effect.withSpan` would cost a call twice
 * as much, a quarter of it for a frame of pretty stacks that no log of ours shows.
 */
export const callSpans = (method: DescMethod, base: Context.Context<never>) => {
  const tracer = Context.get(base, Tracer.Tracer)
  const clock = Context.get(base, Clock.Clock)
  const name = rpcName(method)
  const attributesOf = (protocol: CallInit["protocol"]) =>
    Object.entries({
      "rpc.system": protocol,
      "rpc.service": method.parent.typeName,
      "rpc.method": method.name,
    })
  /** Of a trace that its caller does not record nobody will ask. */
  const timeOf = (sampled: boolean): bigint => (sampled ? clock.currentTimeNanosUnsafe() : 0n)
  const attributes = { grpc: attributesOf("grpc"), connect: attributesOf("connect"), rest: attributesOf("rest") }

  return {
    begin: ({ header, protocol }: CallInit): Tracer.Span => {
      const traceparent = header(traceparentHeader)
      const parent = traceparent === undefined ? Option.none() : parseTraceparent(traceparent)
      const sampled = Option.isNone(parent) || parent.value.sampled
      const span = tracer.span({
        name,
        parent,
        annotations: Context.empty(),
        links: [],
        startTime: timeOf(sampled),
        kind: "server",
        root: false,
        sampled,
      })
      if (sampled) for (const [key, value] of attributes[protocol]) span.attribute(key, value)
      return span
    },
    end: (span: Tracer.Span, exit: Exit.Exit<unknown, unknown>): void => span.end(clock.currentTimeNanosUnsafe(), exit),
  }
}
