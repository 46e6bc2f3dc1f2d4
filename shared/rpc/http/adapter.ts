/**
 * Everything that the straight paths leave: streaming, gRPC-Web, compression, Connect GET, and the protocols' own answers
 * to malformed calls, by connect-es.
 */
import type { DescMethod, Message } from "@bufbuild/protobuf"
import { ConnectError, type ConnectRouter, type HandlerContext, type MethodImpl } from "@connectrpc/connect"
import { connectNodeAdapter } from "@connectrpc/connect-node"
import { isPublicError } from "../PublicError.ts"
import { acceptRequestId, type CallInit, hungUp, type Routes, type StreamRoute, type UnaryRoute } from "../Route.ts"
import { fromConnectError, toConnectError } from "../status.ts"
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
    const stop = route.run(request, callOf(context), (outcome) =>
      outcome.ok ? resolve(outcome.message) : reject(toConnectError(outcome.error)),
    )
    if (stop === undefined) return
    // The signal's reason tells a deadline from a caller that hung up.
    const abort = () =>
      stop(context.signal.reason instanceof ConnectError ? fromConnectError(context.signal.reason) : hungUp)
    if (context.signal.aborted) abort()
    else context.signal.addEventListener("abort", abort, { once: true })
  })

const streaming = (route: StreamRoute, shutdown: AbortSignal) =>
  async function* (request: Message, context: HandlerContext) {
    try {
      yield* route.open(request, callOf(context), AbortSignal.any([context.signal, shutdown]))
    } catch (cause) {
      throw isPublicError(cause) ? toConnectError(cause) : cause
    }
  }

const callOf = (context: HandlerContext): CallInit => {
  const header = (name: string) => context.requestHeader.get(name) ?? undefined
  return {
    protocol: context.protocolName === "connect" ? "connect" : "grpc",
    requestId: acceptRequestId(header),
    header,
    remoteAddress: "", // connect-es does not tell
    timeoutMs: context.timeoutMs(),
    fieldNames: "name",
    setHeader: (name, value) => context.responseHeader.set(name, value),
  }
}
