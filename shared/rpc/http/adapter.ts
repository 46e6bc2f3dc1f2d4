/**
 * Everything that the straight paths leave: streaming, gRPC-Web, compression, Connect GET, and the protocols' own answers
 * to malformed calls, by connect-es.
 */
import { type DescMethod, type Message, toBinary, toJsonString } from "@bufbuild/protobuf"
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type MethodImpl,
} from "@connectrpc/connect"
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect"
import { connectNodeAdapter } from "@connectrpc/connect-node"
import { acceptRequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { Internal, isPublicError } from "../PublicError.ts"
import { type CallInit, hungUp, type Routes, type StreamRoute, type UnaryRoute } from "../Route.ts"
import { fromConnectError, toConnectError } from "../status.ts"
import { begun, boundTimeouts, correctErrors, namesAuthority, readToEnd } from "./corrections.ts"
import { connectionOf, nobodyKnown, otherEndOf } from "./OtherEnd.ts"
import type { Listener } from "./onePort.ts"

export interface AdapterOptions {
  readonly maxBytes: number
  /** Ends the streams that are open; unary calls are finished. */
  readonly shutdown: AbortSignal
  /** Answers what is no rpc. */
  readonly fallback: Listener
  /** Services of the field's own contracts, such as health, which have no policy of ours. */
  readonly extras: ReadonlyArray<(router: ConnectRouter) => void>
}

export const connectAdapter = (routes: Routes, options: AdapterOptions): Listener => {
  const handle = connectNodeAdapter({
    routes: (router) => {
      for (const route of routes.unary) rpc(router, route.method, unary(route))
      for (const route of routes.streaming) rpc(router, route.method, streaming(route, options.shutdown))
      for (const register of options.extras) register(router)
    },
    contextValues: (request) => createContextValues().set(otherEnd, otherEndOf(connectionOf(request))),
    fallback: (request, response) => unknown(request as never, response as never, options.fallback),
    readMaxBytes: options.maxBytes,
    requestGate: correctErrors,
  })
  return (request, response) => {
    if (!namesAuthority(request)) return refuse(request, response, malformedHost)
    boundTimeouts(request)
    if (request.httpVersionMajor === 1) readToEnd(request, response)
    handle(request, response)
  }
}

type Request = Parameters<Listener>[0]
type Response = Parameters<Listener>[1]

interface Refused {
  readonly code: Code
  readonly message: string
}
const malformedHost: Refused = { code: Code.InvalidArgument, message: "the host is missing or malformed" }
const unknownRpc: Refused = { code: Code.Unimplemented, message: "unknown rpc" }

const isGrpc = ({ method, headers }: Request): boolean =>
  method === "POST" && /^application\/grpc(-web)?(\+proto|\+json)?$/.test(headers["content-type"] ?? "")

/** gRPC and gRPC-Web say in their own words that nothing is at a path; for the others HTTP does. */
const unknown = (request: Request, response: Response, fallback: Listener): void => {
  if (isGrpc(request)) refuse(request, response, unknownRpc)
  else fallback(request, response)
}

/** Refuses what never becomes a call, in the words of the protocol that it speaks. */
const refuse = (request: Request, response: Response, { code, message }: Refused): void => {
  request.resume()
  if (isGrpc(request)) {
    const type = request.headers["content-type"] ?? ""
    const status = { "grpc-status": String(code), "grpc-message": message }
    // gRPC reads trailers, and headers only where they end the stream, which Node's response objects cannot make them do.
    if (type.startsWith("application/grpc-web")) response.writeHead(200, { "content-type": type, ...status })
    else response.writeHead(200, { "content-type": type }).addTrailers(status)
    response.end()
  } else {
    const body = errorToJsonBytes(new ConnectError(message, code), undefined)
    response.writeHead(codeToHttpStatus(code), { "content-type": "application/json" }).end(body)
  }
}

// connect-es types an implementation by its descriptor; ours come from a list, so their types are one message each.
const rpc = (router: ConnectRouter, method: DescMethod, implementation: unknown): void => {
  router.rpc(method, implementation as MethodImpl<DescMethod>)
}

const unary = (route: UnaryRoute) => (request: Message, context: HandlerContext) =>
  new Promise<Message>((resolve, reject) => {
    const stop = route.run(request, callOf(context), (outcome) => {
      if (!outcome.ok) return reject(toConnectError(outcome.error))
      // connect-es would tell the caller what cannot be written and why, which is a defect to be hidden.
      const written = route.encoded(() => write(route, context, outcome.message))
      if (written instanceof Internal) reject(toConnectError(written))
      else resolve(outcome.message)
    })
    if (stop === undefined) return
    // The signal's reason tells a deadline from a caller that hung up.
    const abort = () =>
      stop(context.signal.reason instanceof ConnectError ? fromConnectError(context.signal.reason) : hungUp)
    if (context.signal.aborted) abort()
    else context.signal.addEventListener("abort", abort, { once: true })
  })

const write = ({ method }: UnaryRoute, { requestHeader, url }: HandlerContext, message: Message): unknown =>
  requestHeader.get("content-type")?.includes("json") === true || url.includes("encoding=json")
    ? toJsonString(method.output, message)
    : toBinary(method.output, message)

const streaming = (route: StreamRoute, shutdown: AbortSignal) =>
  async function* (request: Message, context: HandlerContext) {
    try {
      yield* route.open(request, callOf(context), AbortSignal.any([context.signal, shutdown]))
    } catch (cause) {
      throw isPublicError(cause) ? toConnectError(cause) : cause
    }
  }

/** connect-es does not tell who is at the other end: the values of a call carry it. */
const otherEnd = createContextKey(nobodyKnown)

const callOf = (context: HandlerContext): CallInit => {
  context.values.set(begun, true)
  const header = (name: string) => context.requestHeader.get(name) ?? undefined
  return {
    protocol: context.protocolName === "connect" ? "connect" : "grpc",
    requestId: acceptRequestId(header(requestIdHeader)),
    header,
    ...context.values.get(otherEnd),
    timeoutMs: context.timeoutMs(),
    fieldNames: "name",
    setHeader: (name, value) => context.responseHeader.set(name, value),
  }
}
