/**
 * Everything that the straight paths leave: streaming, gRPC-Web, compression, Connect GET, and the protocols' own answers
 * to malformed calls, by connect-es.
 */
import { type DescMethod, type Message, toBinary, toJsonString } from "@bufbuild/protobuf"
import {
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type MethodImpl,
} from "@connectrpc/connect"
import { connectNodeAdapter } from "@connectrpc/connect-node"
import { acceptRequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { Internal, isPublicError } from "../PublicError.ts"
import { type CallInit, hungUp, type Routes, type StreamRoute, type UnaryRoute } from "../Route.ts"
import { fromConnectError, toConnectError } from "../status.ts"
import { type Connection, connectionOf, unknownConnection } from "./Connection.ts"
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
    contextValues: (request) => createContextValues().set(connectionKey, connectionOf(request)),
    fallback: (request, response) => options.fallback(request as never, response as never),
    readMaxBytes: options.maxBytes,
  })
  return (request, response) => handle(request, response)
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
const connectionKey = createContextKey<Connection>(unknownConnection)

const callOf = (context: HandlerContext): CallInit => {
  const header = (name: string) => context.requestHeader.get(name) ?? undefined
  return {
    protocol: context.protocolName === "connect" ? "connect" : "grpc",
    requestId: acceptRequestId(header(requestIdHeader)),
    header,
    ...context.values.get(connectionKey),
    timeoutMs: context.timeoutMs(),
    fieldNames: "name",
    setHeader: (name, value) => context.responseHeader.set(name, value),
  }
}
