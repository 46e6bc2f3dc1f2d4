/**
 * A process's two faces. Outside (HTTP_PORT): REST, Connect and gRPC-Web over HTTP/1.1, without any rpc that is internal
 * to the mesh. Mesh (SERVER_PORT): gRPC over HTTP/2, with health, reflection and, over HTTP/1.1, `/metrics`.
 */

import type { AddressInfo } from "node:net"
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt"
import type { ConnectRouter } from "@connectrpc/connect"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Health } from "#gen/grpc/health/v1/health_pb.ts"
import { Readiness } from "../runtime/Readiness.ts"
import { metricsText } from "../telemetry/Metrics.ts"
import { makeAdmissionGate } from "./AdmissionGate.ts"
import type { Authentication, Authorization } from "./Caller.ts"
import * as Certificates from "./Certificates.ts"
import { compileRoutes } from "./compileRoutes.ts"
import { Implementations } from "./Handlers.ts"
import { healthRoute, healthService } from "./health.ts"
import { connectAdapter } from "./http/adapter.ts"
import { connectUnary } from "./http/connect.ts"
import { withCors } from "./http/cors.ts"
import { grpcUnary } from "./http/grpc.ts"
import { HttpRoutes } from "./http/HttpRoutes.ts"
import { type Handlers, type Listener, type OnePort, onePort } from "./http/onePort.ts"
import { observeAdmission } from "./metrics.ts"
import { rpcName } from "./Policy.ts"
import { type Routes, stopping, type UnaryRoute } from "./Route.ts"
import { reflectionService } from "./reflection.ts"
import { noRoute } from "./rest/errors.ts"
import { observeHttp } from "./rest/metrics.ts"
import { openApiPath, openApiRoute } from "./rest/openapi/route.ts"
import { sendError, transcoder } from "./rest/Transcoder.ts"
import type { ServerConfig } from "./ServerConfig.ts"

export interface ServerOptions {
  readonly config: ServerConfig
  /** Where given, the mesh face speaks TLS, and only to programs with a certificate of the mesh. */
  readonly certificateFiles?: Certificates.CertificateFiles | undefined
  /** Serve Connect and gRPC-Web outside too; false leaves REST alone. True where unset. */
  readonly outsideRpc?: boolean
  /** A response header of REST answers that names the path template, for whoever counts requests by it. */
  readonly routeHeader?: string
  /** False: the outside face does not describe itself at /openapi.json. True where unset. */
  readonly described?: boolean
  /** Programs of ours in front of this one, each of which appends to X-Forwarded-For. 0 where unset: nobody is believed. */
  readonly trustedHops?: number
  /** The web origins, such as "https://dashboard.example", whose pages may call the outside face. None where unset. */
  readonly origins?: ReadonlyArray<string>
  /** False: every rpc is served by the general adapter, to compare the two. True where unset. */
  readonly straight?: boolean
}

/** The ports that a server got: those of its configuration, or free ones where that said 0. */
export class Listening extends Context.Service<Listening, { readonly httpPort: number; readonly grpcPort: number }>()(
  "shared/rpc/Listening",
) {}

export class PortTaken extends Data.TaggedError("PortTaken")<{ readonly variable: string; readonly port: number }> {
  override get message() {
    return `${this.variable}: port ${this.port} is taken by another program`
  }
}

/** Serves the rpcs and routes of `handlers` until the scope closes; what runs then is finished within the grace period. */
export const layer = <E, R>(
  options: ServerOptions,
  handlers: Layer.Layer<never, E, R>,
): Layer.Layer<
  Listening,
  E | PortTaken | Certificates.CertificatesUnusable,
  Authentication | Authorization | Readiness | Exclude<R, Implementations | HttpRoutes>
> =>
  Layer.effect(
    Listening,
    Effect.gen(function* () {
      const implementations = yield* Implementations
      const httpRoutes = yield* HttpRoutes
      const readiness = yield* Readiness
      const gate = makeAdmissionGate(options.config.admission, () => performance.now())
      const routes = yield* compileRoutes(implementations.all(), gate, options.trustedHops)
      const services = implementations.all().map(({ service }) => service)
      const shutdown = new AbortController()
      const effects = yield* Effect.context<never>()
      const observe = observeHttp(effects)
      const context = {
        options,
        shutdown: shutdown.signal,
        health: healthRoute(readiness),
        measure: observeAdmission(gate, effects),
      }
      const extras = [
        healthService(
          readiness,
          services.map(({ typeName }) => typeName),
        ),
        reflectionService([...services, Health]),
      ]
      const certificates =
        options.certificateFiles === undefined ? undefined : yield* Certificates.load(options.certificateFiles)
      const { config } = options
      const outside = onePort(
        { request: outsideFace(routes, httpRoutes.all(), observe, context) },
        config.maxConnections,
      )
      const mesh = onePort({ ...meshFace(routes, extras, context), certificates }, config.maxConnections)
      yield* Effect.addFinalizer(() => stop([outside, mesh], config, readiness, shutdown))
      const httpPort = yield* listen(outside, "HTTP_PORT", config.httpPort, config.host)
      const grpcPort = yield* listen(mesh, "SERVER_PORT", config.grpcPort, config.host)
      return { httpPort, grpcPort }
    }),
  ).pipe(Layer.provide(handlers), Layer.provide(Layer.merge(Implementations.layer, HttpRoutes.layer)))

interface FaceContext {
  readonly options: ServerOptions
  readonly shutdown: AbortSignal
  readonly health: (...request: Parameters<Listener>) => boolean
  /** Brings up to date what is measured only when somebody asks. */
  readonly measure: () => void
}

const outsideFace = (
  all: Routes,
  httpRoutes: ReadonlyArray<(...request: Parameters<Listener>) => boolean>,
  observe: (endpoint: string, status: number, millis: number) => void,
  { options, shutdown, health }: FaceContext,
): Listener => {
  const { config, outsideRpc = true, routeHeader, described = true, straight = true } = options
  const isOutside = ({ policy }: { readonly policy: UnaryRoute["policy"] }) => policy.access !== "INTERNAL"
  const routes: Routes = { unary: all.unary.filter(isOutside), streaming: all.streaming.filter(isOutside) }
  const rest = transcoder(routes.unary, { maxBytes: config.maxBodyBytes, routeHeader, observe })
  const nothing: Listener = (_request, response) => void sendError(response, noRoute)
  const chain = [...httpRoutes, health]
  if (described) chain.push(openApiRoute(routes.unary.map(({ method }) => method)))
  if (outsideRpc && straight) chain.push(connectUnary(byPath(routes), config.maxMessageBytes))
  chain.push(rest.handle)
  const rpc = outsideRpc
    ? connectAdapter(routes, { maxBytes: config.maxMessageBytes, shutdown, fallback: nothing, extras: [] })
    : nothing
  const rpcMethods = outsideRpc ? methodsByPath(routes) : new Map<string, ReadonlyArray<string>>()
  const methodsAt = (path: string) =>
    path === openApiPath ? ["GET", "HEAD"] : (rpcMethods.get(path) ?? rest.methodsAt(path))
  return withCors({ origins: options.origins ?? [], methodsAt }, (request, response) => {
    for (const handle of chain) if (handle(request, response)) return
    rpc(request, response)
  })
}

/** The HTTP methods of rpcs by their paths; Connect has GET for those without side effects. */
const methodsByPath = ({ unary, streaming }: Routes): ReadonlyMap<string, ReadonlyArray<string>> =>
  new Map(
    [...unary, ...streaming].map(({ method }) => [
      `/${rpcName(method)}`,
      method.idempotency === Idempotency.NO_SIDE_EFFECTS ? ["POST", "GET"] : ["POST"],
    ]),
  )

const meshFace = (
  routes: Routes,
  extras: ReadonlyArray<(router: ConnectRouter) => void>,
  { options, shutdown, health, measure }: FaceContext,
): Handlers => {
  const maxBytes = options.config.maxMessageBytes
  const nothing: Listener = (_request, response) => void sendError(response, noRoute)
  const rpc = connectAdapter(routes, { maxBytes, shutdown, fallback: nothing, extras })
  const stream = options.straight === false ? () => false : grpcUnary(byPath(routes), maxBytes)
  return {
    stream,
    request: (request, response) => {
      if (health(request, response)) return
      if (request.url === "/metrics") {
        measure()
        return sendMetrics(response)
      }
      rpc(request, response)
    },
  }
}

const sendMetrics = (response: Parameters<Listener>[1]): void => {
  Effect.runPromise(metricsText).then((text) => {
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text)
  })
}

const byPath = (routes: Routes): ReadonlyMap<string, UnaryRoute> =>
  new Map(routes.unary.map((route) => [`/${rpcName(route.method)}`, route]))

const listen = (face: OnePort, variable: string, port: number, host: string): Effect.Effect<number, PortTaken> =>
  Effect.callback((resume) => {
    face.server.once("error", () => resume(Effect.fail(new PortTaken({ variable, port }))))
    face.server.listen(port, host, () => resume(Effect.succeed((face.server.address() as AddressInfo).port)))
  })

/** Not ready, then closed: those who look at readiness have time to send their callers elsewhere. */
const stop = (
  faces: ReadonlyArray<OnePort>,
  config: ServerConfig,
  readiness: typeof Readiness.Service,
  shutdown: AbortController,
) =>
  Effect.gen(function* () {
    yield* readiness.draining
    for (const face of faces) face.drain()
    yield* Effect.sleep(config.drainDelay)
    shutdown.abort(stopping)
    // A little less than the whole grace: the layers below need the rest to close in order.
    const grace = Duration.toMillis(config.shutdownGrace) * 0.8
    yield* Effect.promise(() => Promise.all(faces.map((face) => face.close(grace))))
  })
