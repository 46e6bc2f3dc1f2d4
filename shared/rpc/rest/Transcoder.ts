/**
 * REST from the contract: every google.api.http rule of the served rpcs becomes a route that runs the same handler, with
 * the same policy, in this process. There is no code per route.
 */

import type { IncomingMessage, ServerResponse } from "node:http"
import { type DescMessage, getOption, hasOption, type JsonValue, type Message } from "@bufbuild/protobuf"
import { http } from "#gen/google/api/annotations_pb.ts"
import type { HttpRule } from "#gen/google/api/http_pb.ts"
import { acceptRequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { readBody } from "../http/body.ts"
import { headerView } from "../http/headers.ts"
import { remoteAddressOf } from "../http/remoteAddress.ts"
import { rpcName } from "../Policy.ts"
import { Internal, InvalidRequest, type PublicError, ResourceExhausted } from "../PublicError.ts"
import { hungUp, type Stop, type UnaryRoute } from "../Route.ts"
import { type ErrorAnswer, errorAnswer } from "./errors.ts"
import { toRestJson } from "./json.ts"
import { fieldAt, readRequest } from "./request.ts"
import { bySpecificity, matchTemplate, parseTemplate, type Template } from "./Template.ts"

export interface TranscoderOptions {
  readonly maxBytes: number
  /** A response header that names the path template of a matched route, for whoever counts requests by it. */
  readonly routeHeader?: string | undefined
  /** Told of every answered request: for metrics by endpoint. */
  readonly observe?: ((endpoint: string, status: number, millis: number) => void) | undefined
}

interface Binding {
  readonly template: Template
  readonly route: UnaryRoute
  /** "" for no body, "*" for the whole message, else the field that the body is. */
  readonly body: string
  readonly responseBody: string
}

export interface Transcoder {
  /** Answers the request, or returns false where no route has its path. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** The routes of `rpcs`. Dies where two rpcs claim the same verb and path, or a rule names a field that is not there. */
export const transcoder = (rpcs: ReadonlyArray<UnaryRoute>, options: TranscoderOptions): Transcoder => {
  const byVerb = bindingsByVerb(rpcs)
  return {
    handle: (request, response) => {
      const { path, query } = splitUrl(request.url ?? "/")
      const segments = path.split("/").slice(1)
      const find = (bindings: ReadonlyArray<Binding> = []) => {
        for (const binding of bindings) {
          const values = matchTemplate(binding.template, segments)
          if (values !== undefined) return { binding, values }
        }
        return undefined
      }
      const found = find(byVerb.get(request.method ?? ""))
      if (found !== undefined) {
        serve(found.binding, found.values, query, request, response, options)
        return true
      }
      const allowed = [...byVerb].flatMap(([method, bindings]) => (find(bindings) === undefined ? [] : [method]))
      if (allowed.length === 0) return false
      response.setHeader("allow", allowed.join(", "))
      sendError(response, errorAnswer.methodNotAllowed(request.method ?? ""))
      return true
    },
  }
}

const bindingsByVerb = (rpcs: ReadonlyArray<UnaryRoute>): ReadonlyMap<string, ReadonlyArray<Binding>> => {
  const byVerb = new Map<string, Array<Binding>>()
  for (const route of rpcs) {
    if (!hasOption(route.method, http)) continue
    const rule = getOption(route.method, http)
    for (const { verb, binding } of [rule, ...rule.additionalBindings].map((each) => bindingOf(each, route))) {
      const list = byVerb.get(verb) ?? []
      const twin = list.find((other) => other.template.text === binding.template.text)
      if (twin !== undefined) {
        throw new Error(
          `${verb} ${binding.template.text} is claimed by ${rpcName(twin.route.method)} and ${rpcName(route.method)}`,
        )
      }
      byVerb.set(
        verb,
        [...list, binding].sort((a, b) => bySpecificity(a.template, b.template)),
      )
    }
  }
  return byVerb
}

const bindingOf = (rule: HttpRule, route: UnaryRoute): { readonly verb: string; readonly binding: Binding } => {
  const { pattern } = rule
  if (pattern.case === undefined) throw new Error(`${rpcName(route.method)} has an HTTP rule without a path`)
  const [verb, text] =
    pattern.case === "custom" ? [pattern.value.kind, pattern.value.path] : [pattern.case.toUpperCase(), pattern.value]
  const template = parseTemplate(text)
  for (const { path } of template.variables) fieldAt(route.method.input, path)
  if (rule.body !== "" && rule.body !== "*") fieldAt(route.method.input, [rule.body])
  if (rule.responseBody !== "") fieldAt(route.method.output, [rule.responseBody])
  return { verb, binding: { template, route, body: rule.body, responseBody: rule.responseBody } }
}

const serve = (
  binding: Binding,
  values: ReadonlyArray<string>,
  query: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: TranscoderOptions,
): void => {
  const { route } = binding
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
    finish(() => sendError(response, errorAnswer.of(error, route.policy.flatErrors, requestId)))

  response.on("close", () => {
    if (!answered) stop?.(hungUp)
  })
  response.setHeader(requestIdHeader, requestId)
  if (options.routeHeader !== undefined) response.setHeader(options.routeHeader, binding.template.text)

  const run = (body: Buffer): void => {
    const { variables } = binding.template
    const parts = { variables, values, query, body, idempotencyKey: header("idempotency-key") }
    const message = readRequest(route.method.input, binding.body, parts)
    if (message instanceof InvalidRequest) return fail(message)
    stop = route.run(
      message,
      {
        protocol: "rest",
        requestId,
        header,
        remoteAddress: remoteAddressOf(request),
        timeoutMs: undefined,
        fieldNames: "jsonName",
        setHeader: (name, value) => void (response.headersSent || response.setHeader(name, value)),
      },
      (outcome) => {
        if (!outcome.ok) return fail(outcome.error)
        const bytes = route.encoded(() => answerOf(binding, outcome.message))
        if (bytes instanceof Internal) fail(bytes)
        else finish(() => send(response, route.policy.successStatus, bytes))
      },
    )
  }
  readBody(request, options.maxBytes, run, () => fail(bodyTooLarge(options.maxBytes)))
}

const bodyTooLarge = (maxBytes: number): ResourceExhausted =>
  new ResourceExhausted({ reason: "MESSAGE_TOO_LARGE", message: `the body is larger than ${maxBytes} bytes` })

/** The body of a successful answer; undefined where the status says that there is none. */
const answerOf = ({ route, responseBody }: Binding, message: Message): Buffer | undefined => {
  if (route.policy.successStatus === 204) return undefined
  const json = toRestJson(route.method.output, message)
  return bytesOf(responseBody === "" ? json : (bodyOf(route.method.output, json, responseBody) ?? {}))
}

const bytesOf = (json: JsonValue): Buffer => Buffer.from(JSON.stringify(json))

const bodyOf = (output: DescMessage, json: JsonValue, name: string): JsonValue | undefined =>
  typeof json === "object" && json !== null && !Array.isArray(json) ? json[fieldAt(output, [name]).jsonName] : undefined

/** Sends the answer and returns its status. */
export const sendError = (response: ServerResponse, answer: ErrorAnswer): number => {
  if (answer.retryAfterSeconds !== undefined) response.setHeader("retry-after", String(answer.retryAfterSeconds))
  // What is left of a refused body is not worth reading: the connection ends with the answer.
  if (answer.status === 413) response.setHeader("connection", "close")
  return send(response, answer.status, bytesOf(answer.body))
}

const send = (response: ServerResponse, status: number, bytes: Buffer | undefined): number => {
  if (bytes === undefined) response.writeHead(status).end()
  else response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length }).end(bytes)
  return status
}

const splitUrl = (url: string) => {
  const mark = url.indexOf("?")
  return mark === -1 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) }
}
