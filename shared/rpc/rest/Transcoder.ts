/**
 * REST from the contract: every google.api.http rule of the served rpcs becomes a route that runs the same handler, with
 * the same policy, in this process. There is no code per route.
 */

import type { IncomingMessage, ServerResponse } from "node:http"
import type { Message } from "@bufbuild/protobuf"
import { acceptRequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { readBody } from "../http/body.ts"
import { headerView } from "../http/headers.ts"
import { remoteAddressOf } from "../http/remoteAddress.ts"
import { Internal, type PublicError, ResourceExhausted } from "../PublicError.ts"
import { hungUp, type Stop, type UnaryRoute } from "../Route.ts"
import { type Answer, answerOf, jsonAnswer } from "./answer.ts"
import { type ErrorAnswer, errorAnswer } from "./errors.ts"
import { type Match, routesOf } from "./Routes.ts"
import { readRequest } from "./request.ts"

export interface TranscoderOptions {
  readonly maxBytes: number
  /** A response header that names the path template of a matched route, for whoever counts requests by it. */
  readonly routeHeader?: string | undefined
  /** Told of every answered request: for metrics by endpoint. */
  readonly observe?: ((endpoint: string, status: number, millis: number) => void) | undefined
}

export interface Transcoder {
  /** Answers the request, or returns false where no route has its path. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => boolean
  /** The HTTP methods that are offered at a path, without query; none where no route has it. */
  readonly methodsAt: (path: string) => ReadonlyArray<string>
}

/** The routes of `rpcs`. Throws where two rpcs claim the same verb and path, or a rule names a field that is not there. */
export const transcoder = (rpcs: ReadonlyArray<UnaryRoute>, options: TranscoderOptions): Transcoder => {
  const { find, methodsAt } = routesOf(rpcs)
  return {
    methodsAt,
    handle: (request, response) => {
      const { path, query } = splitUrl(request.url ?? "/")
      const verb = request.method ?? ""
      const found = find(verb, path)
      if (found !== undefined) {
        serve(found, query, request, response, options)
        return true
      }
      const methods = methodsAt(path)
      if (methods.length === 0) return false
      response.setHeader("allow", methods.join(", "))
      if (verb === "OPTIONS") send(response, { status: 204, headers: {}, body: undefined })
      else sendError(response, errorAnswer.methodNotAllowed(verb))
      return true
    },
  }
}

const serve = (
  { route: { binding, rpc }, values }: Match,
  query: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: TranscoderOptions,
): void => {
  const startedAt = performance.now()
  const header = headerView(request.headers)
  const requestId = acceptRequestId(header(requestIdHeader))
  let answered = false
  let stop: Stop | undefined

  const finish = (send: () => number): void => {
    if (answered) return
    answered = true
    if (response.destroyed) return
    options.observe?.(binding.template.text, send(), performance.now() - startedAt)
  }
  const fail = (error: PublicError): void =>
    finish(() => sendError(response, errorAnswer.of(error, rpc.policy.flatErrors, requestId)))

  response.on("close", () => {
    if (!answered) stop?.(hungUp)
  })
  response.setHeader(requestIdHeader, requestId)
  if (options.routeHeader !== undefined) response.setHeader(options.routeHeader, binding.template.text)

  const run = (message: Message | PublicError, body: Buffer | undefined): void => {
    stop = rpc.run(
      message,
      {
        protocol: "rest",
        requestId,
        header,
        body: rpc.policy.access === "SIGNED_WEBHOOK" ? body : undefined,
        remoteAddress: remoteAddressOf(request),
        timeoutMs: undefined,
        fieldNames: "jsonName",
        setHeader: (name, value) => void (response.headersSent || response.setHeader(name, value)),
      },
      (outcome) => {
        if (!outcome.ok) return fail(outcome.error)
        const answer = rpc.encoded(() => answerOf(binding, rpc.policy, outcome.message))
        if (answer instanceof Internal) fail(answer)
        else finish(() => send(response, answer))
      },
    )
  }
  const read = (body: Buffer): void => {
    const parts = {
      values,
      query,
      body,
      contentType: header("content-type"),
      contentEncoding: header("content-encoding"),
      idempotencyKey: header("idempotency-key"),
    }
    run(readRequest(binding, parts), body)
  }
  const tooLarge = (): void => {
    // What is left of the body is not worth reading: the connection ends with the answer, whichever it is.
    response.setHeader("connection", "close")
    run(bodyTooLarge(options.maxBytes), undefined)
  }
  readBody(request, options.maxBytes, read, tooLarge)
}

const bodyTooLarge = (maxBytes: number): ResourceExhausted =>
  new ResourceExhausted({ reason: "MESSAGE_TOO_LARGE", message: `the body is larger than ${maxBytes} bytes` })

/** Sends the answer and returns its status. */
export const sendError = (response: ServerResponse, { status, body, retryAfterSeconds }: ErrorAnswer): number => {
  if (retryAfterSeconds !== undefined) response.setHeader("retry-after", String(retryAfterSeconds))
  return send(response, jsonAnswer(status, body))
}

/** To HEAD, Node sends the headers alone. */
const send = (response: ServerResponse, { status, headers, body }: Answer): number => {
  if (body === undefined) response.writeHead(status, headers).end()
  else response.writeHead(status, { ...headers, "content-length": body.length }).end(body)
  return status
}

const splitUrl = (url: string) => {
  const mark = url.indexOf("?")
  return mark === -1 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) }
}
