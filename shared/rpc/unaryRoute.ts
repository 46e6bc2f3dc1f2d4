/** How a unary rpc is run. */
import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { Caller } from "./Caller.ts"
import { guardOf, type Surroundings } from "./guard.ts"
import { messageOf, type UnaryHandler } from "./Handlers.ts"
import { observeCall } from "./metrics.ts"
import { defect, logDefects } from "./outcome.ts"
import { isPublicError, type PublicError } from "./PublicError.ts"
import { answerOf, Recorder } from "./Recorder.ts"
import { type Outcome, type Stop, tooLate, type UnaryRoute } from "./Route.ts"

export const unaryRoute = (desc: DescMethod, handler: UnaryHandler, surroundings: Surroundings): UnaryRoute => {
  const method = desc as DescMethodUnary
  const { base, gate } = surroundings
  const guard = guardOf(method, surroundings, handler.pending === true)
  const observe = observeCall(guard.rpc, base)
  const output = messageOf(method)
  const answer = answerOf(method, guard.policy, handler, Option.getOrUndefined(Context.getOption(base, Recorder)))

  return {
    method,
    policy: guard.policy,
    encoded: (write) => {
      try {
        return write()
      } catch (cause) {
        // The writers throw plain errors for every way in which a value is not what its field says.
        Effect.runForkWith(base)(logDefects(Cause.die(cause), guard.rpc))
        return defect
      }
    },
    run: (request, init, done) => {
      const call = guard.begin(init)
      const startedAt = performance.now()
      let why: PublicError | undefined
      let timer: NodeJS.Timeout | undefined
      let interrupt: (() => void) | undefined
      let settled = false

      const finish = (outcome: Outcome): void => {
        settled = true
        clearTimeout(timer)
        observe(outcome, performance.now() - startedAt)
        if (guard.policy.accessLog) guard.logAccess(call, request, outcome)
        done(outcome)
      }
      const start = (): void => {
        const entered = guard.enter(call)
        const program = isPublicError(request)
          ? Effect.andThen(guard.identify(call), Effect.fail(request))
          : Effect.flatMap(guard.admit(request, call), (admitted) =>
              Effect.provideService(answer(request, call.facts, admitted), Caller, admitted.caller),
            )
        const fiber = Effect.runForkWith(entered.context)(program)
        const settle = (exit: Exit.Exit<object, PublicError>): void => {
          gate.leave()
          guard.leave(entered, exit)
          finish(guard.outcomeOf(exit, why, output))
        }
        const exit = fiber.pollUnsafe()
        if (exit !== undefined) return settle(exit)
        interrupt = () => fiber.interruptUnsafe()
        fiber.addObserver(settle)
      }

      const leaveQueue = gate.enter(start, (error) => finish({ ok: false, error }))
      if (settled) return undefined
      const stop: Stop = (reason) => {
        if (settled) return
        why ??= reason
        if (interrupt !== undefined) return interrupt()
        leaveQueue?.()
        finish({ ok: false, error: reason })
      }
      timer = setTimeout(() => stop(tooLate), call.limitMs)
      return stop
    },
  }
}
