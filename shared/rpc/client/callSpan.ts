/** The span of a call that a fiber makes. */
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { TracerEnabled } from "effect/References"
import * as Tracer from "effect/Tracer"
import { clockOf } from "./outgoing.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/**
 * Begins a span under the fiber's own; undefined where the fiber wants none. The tracer is asked directly:
 * `Effect.useSpan` would cost as much as everything else that a client does for a call.
 */
export const beginSpan = (fiber: AnyFiber, rpc: string, method: string): Tracer.Span | undefined => {
  if (!fiber.getRef(TracerEnabled)) return undefined
  const around = visible(Context.getOrUndefined(fiber.context, Tracer.ParentSpan))
  const span = fiber.getRef(Tracer.Tracer).span({
    name: rpc,
    parent: Option.fromUndefinedOr(around),
    annotations: Context.empty(),
    links: [],
    startTime: clockOf(fiber).currentTimeNanosUnsafe(),
    kind: "client",
    root: false,
    sampled: around?.sampled !== false,
  })
  span.attribute("rpc.method", method)
  return span
}

export const endSpan = (fiber: AnyFiber, span: Tracer.Span, exit: Exit.Exit<unknown, unknown>): void =>
  span.end(clockOf(fiber).currentTimeNanosUnsafe(), exit)

/** The span that others may know of: where a part of a program is not traced, the one around it. */
const visible = (span: Tracer.AnySpan | undefined): Tracer.AnySpan | undefined => {
  if (span === undefined || !Context.get(span.annotations, Tracer.DisablePropagation)) return span
  return span._tag === "Span" ? visible(Option.getOrUndefined(span.parent)) : undefined
}
