/** One unary rpc as a client calls it: span, deadline, attempts. The way of a call that succeeds is kept short. */
import type { DescMethodUnary, Message } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { frameOf } from "../http/frame.ts"
import { policyOf, rpcName } from "../Policy.ts"
import type { PublicError } from "../PublicError.ts"
import { attempts, type Course, type Rules } from "./attempts.ts"
import type { Channel } from "./Channel.ts"
import { beginSpan, endSpan } from "./callSpan.ts"
import { observeRpc } from "./metrics.ts"
import { clockOf, leftOf, messageOf, tiesOf, timeoutText, tooLate } from "./outgoing.ts"

const canceled = { reason: "CANCELED" } as const

/** A function that calls `method` over `channel`. */
export const unaryCall = (method: DescMethodUnary, channel: Channel) => {
  const rpc = rpcName(method)
  const { deadlineMs, repeatable } = policyOf(method)
  const observe = observeRpc(rpc, channel.context)
  const rules: Rules = { channel, repeatable, retried: observe.retried }
  const fixed = channel.headersOf(rpc)
  const wholeDeadline = timeoutText(deadlineMs)

  const count = (exit: Exit.Exit<unknown, PublicError>): void => {
    if (Exit.isSuccess(exit)) observe.succeeded()
    else observe.failed(Option.getOrElse(Cause.findErrorOption(exit.cause), () => canceled))
  }

  /** One exchange and its deadline. */
  const exchange =
    (frame: Buffer, ties: ReadonlyArray<string>, ended: Course<Message>["ended"]): Course<Message>["attempt"] =>
    (leftMs, avoid, after) =>
      Effect.callback<Message, PublicError>((resume) => {
        let isOver = false
        let timer: NodeJS.Timeout | undefined
        const headers = fixed.slice()
        for (const tie of ties) headers.push(tie)
        headers.push("grpc-timeout", leftMs === deadlineMs ? wholeDeadline : timeoutText(leftMs))
        const running = channel.unary(method, headers, frame, avoid, (message, failure) => {
          isOver = true
          clearTimeout(timer)
          if (failure !== undefined) return resume(after(failure))
          if (message === undefined) return
          ended(Exit.void)
          resume(Effect.succeed(message))
        })
        if (isOver) return undefined
        // The server keeps the deadline too; this one holds when the server does not answer at all.
        timer = setTimeout(() => {
          running.cancel()
          const late = Exit.fail(tooLate)
          ended(late)
          resume(late)
        }, leftMs)
        return Effect.sync(() => {
          clearTimeout(timer)
          running.cancel()
          ended(Exit.interrupt())
        })
      })

  return (request: object): Effect.Effect<Message, PublicError> =>
    Effect.withFiber((fiber) => {
      const frame = frameOf(method.input, messageOf(method.input, request))
      const span = beginSpan(fiber, rpc, method.name)
      const ended = (exit: Exit.Exit<unknown, PublicError>): void => {
        count(exit)
        if (span !== undefined) endSpan(fiber, span, exit)
      }
      const clock = clockOf(fiber)
      const now = clock.currentTimeMillisUnsafe()
      const leftMs = leftOf(fiber, now, deadlineMs)
      if (leftMs <= 0) {
        const late = Exit.fail(tooLate)
        ended(late)
        return late
      }
      const attempt = exchange(frame, tiesOf(fiber, span), ended)
      return attempts({ rules, clock, endsAt: now + leftMs, attempt, ended }, leftMs)
    })
}
