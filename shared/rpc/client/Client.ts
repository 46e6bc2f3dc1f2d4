/**
 * A typed client of a service of the mesh. Deadlines, retries and permission to repeat come from the contract; errors are
 * the public errors that the other side failed with.
 */
import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { RequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { formatTraceparent, traceparentHeader } from "../../telemetry/traceparent.ts"
import { Deadline } from "../Deadline.ts"
import { type Policy, policyOf, rpcName } from "../Policy.ts"
import { DeadlineExceeded, isPublicError, type PublicError } from "../PublicError.ts"
import { fromConnectError } from "../status.ts"
import type { Channel, OutgoingCall } from "./Channel.ts"
import { makeRetryBudget, type RetryBudget } from "./RetryBudget.ts"

export type ClientMethod<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>) => Effect.Effect<MessageShape<O>, PublicError>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>) => Stream.Stream<MessageShape<O>, PublicError>
      : never

export type Client<S extends DescService> = { readonly [K in keyof S["method"]]: ClientMethod<S["method"][K]> }

/** How often a call is tried in all, and the first pause between two tries; each further pause is twice as long. */
const attempts = 3
const firstPauseMs = 20

/** A client of `service` over `channel`. */
export const make = <S extends DescService>(service: S, channel: Channel): Client<S> => {
  const budget = makeRetryBudget()
  const methods = service.methods.map((method) => [method.localName, clientMethod(method, channel, budget)])
  // Each method was made from the descriptor whose types the client shows.
  return Object.fromEntries(methods) as Client<S>
}

const clientMethod = (method: DescMethod, channel: Channel, budget: RetryBudget) => {
  const policy = policyOf(method)
  const span = { kind: "client" as const, captureStackTrace: false, attributes: { "rpc.method": method.name } }
  // TypeScript does not narrow DescMethod by its kind.
  switch (method.methodKind) {
    case "unary":
      return (request: object) =>
        Effect.withSpan(
          retrying(unaryCall(method as DescMethodUnary, request, channel, policy), policy, budget),
          rpcName(method),
          span,
        )
    case "server_streaming":
      return (request: object) => streamCall(method as DescMethodServerStreaming, request, channel, policy)
    case "client_streaming":
    case "bidi_streaming":
      throw new Error(`${rpcName(method)}: requests are never streamed in this mesh`)
  }
}

const unaryCall = (
  method: DescMethodUnary,
  request: object,
  channel: Channel,
  policy: Policy,
): Effect.Effect<Message, PublicError> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const call = outgoing(context, policy)
    if (call === undefined) return Effect.fail(tooLate)
    return Effect.callback<Message, PublicError>((resume) => {
      let settled = false
      const settle = (outcome: Message | PublicError): void => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        resume(isPublicError(outcome) ? Effect.fail(outcome) : Effect.succeed(outcome))
      }
      const giveUp = channel.unary(method, request, call, settle)
      // The server keeps the deadline too; this one holds when the server does not answer at all.
      const timer = setTimeout(() => {
        settle(tooLate)
        giveUp()
      }, call.timeoutMs)
      return Effect.sync(() => {
        settled = true
        clearTimeout(timer)
        giveUp()
      })
    })
  })

/** Repeats what could not be delivered, where the contract allows it and the budget lasts. The good path costs one frame. */
const retrying = (
  attempt: Effect.Effect<Message, PublicError>,
  policy: Policy,
  budget: RetryBudget,
): Effect.Effect<Message, PublicError> => {
  if (!policy.repeatable) return attempt
  const again = (error: PublicError, tried: number): Effect.Effect<Message, PublicError> => {
    if (error._tag !== "Unavailable" || tried >= attempts || !budget.spend()) return Effect.fail(error)
    const pause = Effect.flatMap(Random.next, (random) =>
      Effect.sleep(error.retryAfterMs ?? firstPauseMs * 2 ** (tried - 1) * (0.5 + random)),
    )
    return Effect.andThen(
      pause,
      Effect.catch(attempt, (next) => again(next, tried + 1)),
    )
  }
  return Effect.suspend(() => {
    budget.earn()
    return Effect.catch(attempt, (error) => again(error, 1))
  })
}

const streamCall = (method: DescMethodServerStreaming, request: object, channel: Channel, policy: Policy) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const call = outgoing(yield* Effect.context<never>(), policy)
      if (call === undefined) return Stream.fail<PublicError>(tooLate)
      // Aborted when the stream's scope closes: to stop reading is to cancel the call.
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (open) => Effect.sync(() => open.abort()),
      )
      const messages = yield* Effect.tryPromise({
        try: () => channel.stream(method, request, call, controller.signal),
        catch: fromConnectError,
      })
      return Stream.fromAsyncIterable(messages, fromConnectError)
    }),
  )

const tooLate = new DeadlineExceeded({ reason: "DEADLINE_EXCEEDED", message: "no time is left for this call" })

/** The time that is really left, and what ties this call to the request being served; undefined where no time is left. */
const outgoing = (context: Context.Context<never>, policy: Policy): OutgoingCall | undefined => {
  const deadline = Context.get(context, Deadline)
  const left =
    deadline === undefined ? policy.deadlineMs : deadline - Context.get(context, Clock.Clock).currentTimeMillisUnsafe()
  if (left <= 0) return undefined
  const span = Context.getOption(context as Context.Context<Tracer.ParentSpan>, Tracer.ParentSpan)
  const requestId = Context.get(context, RequestId)
  return {
    timeoutMs: Math.min(left, policy.deadlineMs),
    headers: {
      ...(span._tag === "Some" ? { [traceparentHeader]: formatTraceparent(span.value) } : {}),
      ...(requestId === undefined ? {} : { [requestIdHeader]: requestId }),
    },
  }
}
