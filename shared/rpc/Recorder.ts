/**
 * The seam between rpcs and the database that keeps their record: first answers by idempotency key, and audit rows. Only
 * calls that have something to record come through here.
 */
import type { DescMethodUnary, Message } from "@bufbuild/protobuf"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { CallerIdentity, CallFacts, Grant } from "./Caller.ts"
import { messageOf, type PerCall, type UnaryHandler } from "./Handlers.ts"
import { type Policy, rpcName } from "./Policy.ts"
import type { PublicError } from "./PublicError.ts"

/** Who calls, and what the authorization found out of the resource. */
export interface Admitted {
  readonly caller: CallerIdentity
  readonly grant: Grant
}

export interface RecordedCall extends Admitted {
  readonly method: DescMethodUnary
  readonly policy: Policy
  readonly request: Message
  /** The request's `request_id`; empty where each call counts. */
  readonly idempotencyKey: string
  readonly facts: CallFacts
}

/** The handler's two steps: what comes before the transaction of the record, and what runs in it. */
export type Steps = Effect.Effect<Effect.Effect<Message, PublicError, PerCall>, PublicError, PerCall>

export class Recorder extends Context.Service<
  Recorder,
  {
    /**
     * Answers as the first call with this idempotency key was answered, or runs the steps and keeps, in one transaction
     * with what they change, their answer and an audit row. What fails leaves no trace.
     */
    readonly record: (call: RecordedCall, steps: Steps) => Effect.Effect<Message, PublicError, PerCall>
  }
>()("shared/rpc/Recorder") {}

type Answer = (request: Message, facts: CallFacts, admitted: Admitted) => Effect.Effect<object, PublicError, PerCall>

/**
 * How calls of an rpc are answered once they are admitted: by the handler alone, or through the recorder where there is
 * an audit action or an idempotency key. Throws where the contract wants a record that this process cannot keep.
 */
export const answerOf = (
  method: DescMethodUnary,
  policy: Policy,
  handler: UnaryHandler,
  recorder: Recorder["Service"] | undefined,
): Answer => {
  const plain: Answer = (request) => handler(request)
  if (handler.pending === true || (policy.audit === "" && !policy.takesIdempotencyKey)) return plain
  if (recorder === undefined) {
    throw new Error(`${rpcName(method)} cannot be served: its contract wants a record, and this process keeps none`)
  }
  const toMessage = messageOf(method)
  return (request, facts, admitted) => {
    const idempotencyKey = policy.takesIdempotencyKey ? idempotencyKeyOf(request) : ""
    if (policy.audit === "" && idempotencyKey === "") return handler(request)
    const steps = handler.prepare === undefined ? Effect.succeed(handler(request)) : handler.prepare(request)
    const call = { ...admitted, method, policy, request, idempotencyKey, facts }
    return recorder.record(
      call,
      Effect.map(steps, (step) => Effect.map(step, toMessage)),
    )
  }
}

const idempotencyKeyOf = (request: Message): string => {
  const value: unknown = Reflect.get(request, "requestId")
  return typeof value === "string" ? value : ""
}
