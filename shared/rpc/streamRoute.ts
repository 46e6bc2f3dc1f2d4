/** How a server-streaming rpc is run. */
import type { DescMethod, DescMethodServerStreaming } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { Caller } from "./Caller.ts"
import { guardOf, type Surroundings } from "./guard.ts"
import { messageOf, type StreamHandler } from "./Handlers.ts"
import { observeCall } from "./metrics.ts"
import { isPublicError, type PublicError } from "./PublicError.ts"
import { hungUp, type StreamRoute, tooLate } from "./Route.ts"

export const streamRoute = (desc: DescMethod, handler: StreamHandler, surroundings: Surroundings): StreamRoute => {
  const method = desc as DescMethodServerStreaming
  const guard = guardOf(method, surroundings, false)
  const observe = observeCall(guard.rpc, surroundings.base)

  return {
    method,
    policy: guard.policy,
    open: (request, init, signal) => {
      const call = guard.begin(init)
      const entered = guard.enter(call)
      const startedAt = performance.now()
      const admitted = Effect.map(guard.admit(request, call), ({ caller }) =>
        Stream.provideService(handler(request), Caller, caller),
      )
      const messages = Stream.unwrap(admitted).pipe(
        Stream.map(messageOf(method)),
        // An async generator queues return() behind a pending next(): only the signal can stop a silent stream.
        Stream.interruptWhen(aborted(signal)),
        Stream.interruptWhen(Effect.andThen(Effect.sleep(call.limitMs), Effect.fail(tooLate))),
        Stream.onExit((exit) =>
          Effect.sync(() => {
            guard.leave(entered, exit)
            const outcome = guard.outcomeOf(
              Exit.map(exit, () => ({})),
              undefined,
              () => request,
            )
            observe(outcome, performance.now() - startedAt)
            if (guard.policy.accessLog) guard.logAccess(call, request, outcome)
          }),
        ),
        Stream.catchCause((cause) => Stream.die(guard.errorOf(cause, undefined))),
      )
      return Stream.toAsyncIterableWith(messages, entered.context)
    },
  }
}

const aborted = (signal: AbortSignal): Effect.Effect<never, PublicError> =>
  Effect.callback<never, PublicError>((resume) => {
    const fail = () => resume(Effect.fail(isPublicError(signal.reason) ? signal.reason : hungUp))
    if (signal.aborted) return fail()
    signal.addEventListener("abort", fail, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", fail))
  })
