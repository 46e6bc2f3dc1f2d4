/**
 * One customer's request, from its head to the last byte of its answer: refused here, or passed on to an instance whose
 * answer streams back at the pace of the slower side. Whoever of the two hangs up, the other is let go.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type * as Tracer from "effect/Tracer"
import type { Dispatcher } from "undici"
import { sendRefusal } from "../refusals/http.ts"
import type { Outcome, Refusal } from "../refusals/Refusal.ts"
import type { Route } from "../routes/Route.ts"
import { forPage } from "./crossOrigin.ts"
import type { Instance } from "./Instances.ts"
import type { InboundHead } from "./inbound.ts"
import { readAnswerHead } from "./outbound.ts"

/** What nginx made the name for "the customer hung up first". */
const hungUpStatus = 499
/** How long the rest of a body may take that is read only to be thrown away. */
const lingerMillis = 5000

/** An answer of this size that comes whole goes out in one write. Bytes. */
const oneWriteUpTo = 16 * 1024

const hungUp = new Error("the customer hung up")
const tooLate = new Error("the instance took too long to begin its answer")

export interface ExchangeParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly head: InboundHead
  readonly requestId: string
  readonly span: Tracer.Span
  /** Headers of every answer: name, value, name, value. */
  readonly headers: Array<string>
  /** Called once, when all is over. */
  readonly ended: (exchange: Exchange) => void
}

export class Exchange implements Dispatcher.DispatchHandler {
  readonly parts: ExchangeParts
  /** Monotonic milliseconds. */
  readonly startedAt = performance.now()
  outcome: Outcome = "CustomerHungUp"
  /** The HTTP status of the answer. */
  status = hungUpStatus
  /** Whose usage it is; undefined unless its key was good and its rate not used up. */
  admitted: Route | undefined
  /** Bytes of body. */
  bytesSent = 0
  /** Bytes of body. */
  bytesReceived = 0
  /** What the instance said; empty where it did not. */
  activeUser = ""
  route = ""

  #instance: Instance | undefined
  #controller: Dispatcher.DispatchController | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false
  /** The first piece of the answer, for as long as it may be the only one. */
  #held: Buffer | undefined
  /** Whether the customer's answer is the instance's. */
  #passesOn = false

  constructor(parts: ExchangeParts) {
    this.parts = parts
    parts.response.once("close", () => this.#close())
  }

  /** Whether the customer is gone, or has an answer. */
  get isOver(): boolean {
    return this.#closed || this.parts.response.headersSent
  }

  /** Answers without an instance; nothing happens where an answer has begun. */
  refuse(refusal: Refusal): void {
    if (this.isOver) return
    const { request, response, head, requestId, headers } = this.parts
    this.outcome = refusal._tag
    // What is refused for its origin is nothing that its page should read.
    const readable = refusal._tag === "OriginRefused" ? [] : forPage(head.origin)
    this.status = sendRefusal(response, refusal, requestId, [...headers, ...readable])
    if (head.chunked || head.contentLength !== undefined) lingerOver(request)
  }

  /** Passes the request on. `timeoutMs` is how long the instance may take to begin its answer. */
  send(instance: Instance, options: Dispatcher.DispatchOptions, timeoutMs: number): void {
    if (this.isOver) return
    this.#instance = instance
    this.#timer = setTimeout(() => this.#giveUp(), timeoutMs)
    if (instance.send(options, this)) return
    this.#instance = undefined
    this.#stopTimer()
    this.refuse({ _tag: "InstanceUnavailable" })
  }

  /** So many bytes of the body have come: while more do, the instance cannot be late. */
  received(bytes: number): void {
    this.bytesReceived += bytes
    this.#timer?.refresh()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // It may have waited for a connection for so long that nobody is there any more.
    if (this.isOver) controller.abort(hungUp)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    answer: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>,
  ): void {
    if (status < 200 || this.isOver) return
    this.#stopTimer()
    const { headers, activeUser, route } = readAnswerHead(answer)
    this.status = status
    if (route !== undefined) this.route = route
    if (activeUser !== undefined && status < 400) this.activeUser = activeUser
    for (const each of this.parts.headers) headers.push(each)
    for (const each of forPage(this.parts.head.origin)) headers.push(each)
    this.#passesOn = true
    this.parts.response.writeHead(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#closed || !this.#passesOn) return
    if (this.bytesSent === 0 && chunk.length <= oneWriteUpTo) {
      this.#held = chunk
      queueMicrotask(() => this.#sendHeld(controller))
    } else {
      this.#sendHeld(controller)
      this.#write(controller, chunk)
    }
    this.bytesSent += chunk.length
  }

  onResponseEnd(): void {
    this.#release()
    if (this.#closed || !this.#passesOn) return
    this.outcome = "Served"
    // As text of the same bytes it goes out with the head, in one write: two buffers would cost three times as much.
    this.parts.response.end(this.#held?.toString("latin1"), "latin1")
    this.#held = undefined
  }

  onResponseError(_controller: Dispatcher.DispatchController, _error: Error): void {
    this.#release()
    if (this.#closed) return
    if (!this.#passesOn) return this.refuse({ _tag: "InstanceUnavailable" })
    // The answer is cut off, and that the customer must notice.
    this.outcome = "InstanceBroke"
    this.parts.response.destroy()
  }

  #giveUp(): void {
    this.refuse({ _tag: "InstanceUnavailable" })
    this.#controller?.abort(tooLate)
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.parts
    if (response.write(chunk)) return
    controller.pause()
    response.once("drain", () => controller.resume())
  }

  #sendHeld(controller: Dispatcher.DispatchController): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined && !this.#closed) this.#write(controller, held)
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined // or its refresh would start it again
  }

  #release(): void {
    this.#stopTimer()
    this.#instance?.release()
    this.#instance = undefined
  }

  #close(): void {
    this.#closed = true
    this.#stopTimer()
    if (!this.parts.response.writableFinished && this.outcome !== "InstanceBroke") {
      this.outcome = "CustomerHungUp"
      this.status = hungUpStatus
    }
    if (this.#instance !== undefined) this.#controller?.abort(hungUp)
    this.parts.ended(this)
  }
}

/** A customer that is still sending reads its answer only when the rest is taken from it; but not for ever. */
const lingerOver = (request: IncomingMessage): void => {
  if (request.complete) return
  const limit = setTimeout(() => request.destroy(), lingerMillis).unref()
  request.once("close", () => clearTimeout(limit))
  request.unpipe()
  request.resume()
}
