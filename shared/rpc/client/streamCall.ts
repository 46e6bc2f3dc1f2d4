/** One server-streaming rpc as a client calls it: attempts until it is open, then whatever the server sends. */
import type { DescMethodServerStreaming, Message } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { policyOf, rpcName } from "../Policy.ts"
import type { PublicError } from "../PublicError.ts"
import { attempts, type Rules } from "./attempts.ts"
import type { Channel } from "./Channel.ts"
import { observeRpc } from "./metrics.ts"
import { clockOf, leftOf, messageOf, recordOf, tiesOf, tooLate } from "./outgoing.ts"
import type { OpenStream } from "./ServerStream.ts"

/** A function that calls `method` over `channel`. To stop reading is to cancel the call. */
export const streamCall = (method: DescMethodServerStreaming, channel: Channel) => {
  const rpc = rpcName(method)
  const { deadlineMs, repeatable } = policyOf(method)
  const observe = observeRpc(rpc, channel.context)
  const rules: Rules = { channel, repeatable, retried: observe.retried }
  const spanOptions = { kind: "client", captureStackTrace: false, attributes: { "rpc.method": method.name } } as const

  const open = (request: object) =>
    Effect.gen(function* () {
      const span = yield* Effect.orDie(Effect.currentParentSpan) // the one below
      const [clock, ties, wholeMs] = yield* Effect.withFiberSucceed((fiber) => {
        const clock = clockOf(fiber)
        return [clock, tiesOf(fiber, span), leftOf(fiber, clock.currentTimeMillisUnsafe(), deadlineMs)] as const
      })
      if (wholeMs <= 0) return yield* Effect.fail(tooLate)
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (open) => Effect.sync(() => open.abort()),
      )
      const message = messageOf(method.input, request)
      const headers = recordOf(ties)
      const endsAt = clock.currentTimeMillisUnsafe() + wholeMs
      const opened = attempts<OpenStream>(
        {
          rules,
          clock,
          endsAt,
          attempt: (timeoutMs, avoid, after) =>
            Effect.catch(
              channel.stream({ method, message, headers, timeoutMs, signal: controller.signal }, avoid),
              after,
            ),
          // The end of the stream is what counts.
          ended: () => {},
        },
        wholeMs,
      )
      // connect-es keeps the deadline of an open stream; this one covers the search for an endpoint too.
      return yield* Effect.timeoutOrElse(opened, { duration: wholeMs, orElse: () => Effect.fail(tooLate) })
    })

  const ended = (exit: Exit.Exit<unknown, PublicError>): void => {
    if (Exit.isSuccess(exit)) return observe.succeeded()
    const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
    if (error !== undefined) observe.failed(error)
    else observe.failed({ reason: Cause.hasInterruptsOnly(exit.cause) ? "CANCELED" : "INTERNAL" })
  }

  return (request: object): Stream.Stream<Message, PublicError> =>
    Stream.unwrap(
      Effect.map(open(request), ({ messages, failureOf }) =>
        Stream.fromAsyncIterable(messages, (cause) => failureOf(cause).error),
      ),
    ).pipe(
      Stream.onExit((exit) => Effect.sync(() => ended(exit))),
      Stream.withSpan(rpc, spanOptions),
    )
}
