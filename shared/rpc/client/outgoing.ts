/** What a call takes along from the request being served. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import { RequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { formatTraceparent, traceparentHeader } from "../../telemetry/traceparent.ts"
import { Deadline } from "../Deadline.ts"
import { DeadlineExceeded } from "../PublicError.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

export const tooLate = new DeadlineExceeded({ reason: "DEADLINE_EXCEEDED", message: "no time is left for this call" })

/** The clock by which deadlines are kept. */
export const clockOf = (fiber: AnyFiber): Clock.Clock => fiber.getRef(Clock.Clock)

/** Milliseconds that the call may take: what the contract allows, or what is left of the caller's own deadline. */
export const leftOf = (fiber: AnyFiber, now: number, allowedMs: number): number => {
  const deadline = fiber.getRef(Deadline)
  return deadline === undefined ? allowedMs : Math.min(deadline - now, allowedMs)
}

/** What ties the call to its trace and to the request being served, as Node takes headers: names and values in turn. */
export const tiesOf = (fiber: AnyFiber, span: Tracer.AnySpan | undefined): Array<string> => {
  const isKnown = span !== undefined && !Context.get(span.annotations, Tracer.DisablePropagation)
  const ties = isKnown ? [traceparentHeader, formatTraceparent(span)] : []
  const requestId = fiber.getRef(RequestId)
  if (requestId !== undefined) ties.push(requestIdHeader, requestId)
  return ties
}

/** Names and values in turn, as an object. */
export const recordOf = (turns: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(turns.flatMap((name, at) => (at % 2 === 0 ? [[name, turns[at + 1] ?? ""]] : [])))

/** A time-out as gRPC says it: at most eight digits and a unit. */
export const timeoutText = (millis: number): string => {
  const whole = Math.max(1, Math.ceil(millis))
  return whole < 100_000_000 ? `${whole}m` : `${Math.ceil(whole / 1000)}S`
}

/** The message that a request is or describes. */
export const messageOf = (desc: DescMessage, request: object): Message =>
  // The client's type has checked that the request is the message's init shape.
  "$typeName" in request ? (request as Message) : create(desc, request as Record<string, unknown>)
