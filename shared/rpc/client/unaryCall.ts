/** One unary rpc as a client calls it: span, deadline, attempts. The way of a call that succeeds is kept short. */
import type { DescMethodUnary, Message } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import { frameOf } from "../http/frame.ts"
import { policyOf, rpcName } from "../Policy.ts"
import type { PublicError } from "../PublicError.ts"
import { attempts, type Course, type Rules } from "./attempts.ts"
import type { Channel } from "./Channel.ts"
import { observeRpc } from "./metrics.ts"
import { clockOf, leftOf, messageOf, tiesOf, timeoutText, tooLate } from "./outgoing.ts"

const canceled = { reason: "CANCELED" } as const

/** A function that calls `method` over `channel`. */
export const unaryCall = (method: DescMethodUnary, channel: Channel) => {
  const rpc = rpcName(method)
  const { deadlineMs, repeatable } = policyOf(method)
  const observe = observeRpc(rpc, channel.context)
  const rules: Rules = { channel, repeatable, observe }
  const fixed = channel.headersOf(rpc)
  const wholeDeadline = timeoutText(deadlineMs)
  const spanOptions = { kind: "client", attributes: { "rpc.method": method.name } } as const

  /** One exchange and its deadline. */
  const exchange =
    (frame: Buffer, ties: ReadonlyArray<string>): Course<Message>["attempt"] =>
    (leftMs, avoid, after) =>
      Effect.callback<Message, PublicError>((resume) => {
        let isOver = false
        let timer: NodeJS.Timeout | undefined
        const timeout = leftMs === deadlineMs ? wholeDeadline : timeoutText(leftMs)
        const headers = fixed.concat(ties, "grpc-timeout", timeout)
        const running = channel.unary(method, headers, frame, avoid, (message, failure) => {
          isOver = true
          clearTimeout(timer)
          if (failure !== undefined) return resume(after(failure))
          if (message === undefined) return
          observe.succeeded()
          resume(Effect.succeed(message))
        })
        if (isOver) return undefined
        // The server keeps the deadline too; this one holds when the server does not answer at all.
        timer = setTimeout(() => {
          running.cancel()
          observe.failed(tooLate)
          resume(Effect.fail(tooLate))
        }, leftMs)
        return Effect.sync(() => {
          clearTimeout(timer)
          running.cancel()
          observe.failed(canceled)
        })
      })

  return (request: object): Effect.Effect<Message, PublicError> =>
    Effect.useSpan(rpc, spanOptions, (span) =>
      Effect.withFiber((fiber) => {
        const clock = clockOf(fiber)
        const now = clock.currentTimeMillisUnsafe()
        const leftMs = leftOf(fiber, now, deadlineMs)
        if (leftMs <= 0) {
          observe.failed(tooLate)
          return Effect.fail(tooLate)
        }
        const frame = frameOf(method.input, messageOf(method.input, request))
        const attempt = exchange(frame, tiesOf(fiber, span))
        return attempts({ rules, clock, endsAt: now + leftMs, attempt }, leftMs)
      }),
    )
}
