/**
 * `/v1/{applicationId}/…` on the outside face, as plain Node: key, application, rate, limits, in this order, then the
 * instance. A key that memory knows is decided without leaving this function.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { clientAddress } from "#shared/rpc/http/clientAddress.ts"
import { HttpRoutes } from "#shared/rpc/http/HttpRoutes.ts"
import { remoteAddressOf } from "#shared/rpc/http/remoteAddress.ts"
import { acceptRequestId } from "#shared/telemetry/RequestId.ts"
import { formatTraceparent, parseTraceparent } from "#shared/telemetry/traceparent.ts"
import { digestOf, isApplicationId, parseApiKey } from "../keys/ApiKey.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { ActiveUsers } from "../metering/ActiveUsers.ts"
import { Meter } from "../metering/Meter.ts"
import { KeyUseReports } from "../metering/rpc.ts"
import { refusalOf } from "../refusals/Refusal.ts"
import type { VerdictUnavailable } from "../routes/Route.ts"
import { type Finding, type Known, Routes } from "../routes/Routes.ts"
import { Counts } from "../stats/Counts.ts"
import { takeBody } from "./body.ts"
import { answerPreflight } from "./crossOrigin.ts"
import { Exchange } from "./Exchange.ts"
import { Instances } from "./Instances.ts"
import { readHead } from "./inbound.ts"
import { isCustomerPath, parseTarget, type Target } from "./target.ts"

export interface ForwardOptions {
  /** Where this proxy runs, as X-AuthSome-Region says. */
  readonly region: string
  /** The largest body of a request. Bytes. */
  readonly maxBodyBytes: number
  /** How long an instance may take to begin its answer. */
  readonly timeout: Duration.Duration
  /** Programs of ours in front of this one, each of which appends to X-Forwarded-For. */
  readonly trustedHops: number
}

export const layer = (options: ForwardOptions) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const routes = yield* HttpRoutes
      const serve = yield* make(options)
      const context = yield* Effect.context()
      routes.add((request, response) => {
        const { url = "" } = request
        if (!isCustomerPath(url)) return false
        if (request.method === "OPTIONS" && answerPreflight(request, response)) return true
        try {
          serve(request, response, url)
        } catch (defect) {
          // One request that we have a defect for must not end the process for all others.
          Effect.runForkWith(context)(Effect.logError("a request died", Cause.die(defect)))
          response.destroy()
        }
        return true
      })
    }),
  )

const make = Effect.fnUntraced(function* ({ region, maxBodyBytes, timeout, trustedHops }: ForwardOptions) {
  const routes = yield* Routes
  const limits = yield* RateLimits
  const instances = yield* Instances
  const meter = yield* Meter
  const activeUsers = yield* ActiveUsers
  const keyUses = yield* KeyUseReports
  const counts = yield* Counts
  const clock = yield* Clock.Clock
  const tracer = yield* Tracer.Tracer
  const context = yield* Effect.context()
  const timeoutMs = Duration.toMillis(timeout)

  /** A new trace for a request from outside, which names the customer's own where there is one. */
  const begin = (traceparent: string | undefined): Tracer.Span => {
    const theirs = traceparent === undefined ? undefined : Option.getOrUndefined(parseTraceparent(traceparent))
    return tracer.span({
      name: "proxy request",
      parent: Option.none(),
      root: true,
      annotations: Context.empty(),
      links: theirs === undefined ? [] : [{ span: theirs, attributes: {} }],
      startTime: clock.currentTimeNanosUnsafe(),
      kind: "server",
      sampled: true,
    })
  }

  const ended = (exchange: Exchange): void => {
    const { outcome, status, admitted, activeUser, parts } = exchange
    const durationMs = performance.now() - exchange.startedAt
    const method = parts.request.method ?? ""
    counts.ended(outcome, status, durationMs)
    parts.span.attribute("http.request.method", method)
    parts.span.attribute("http.response.status_code", status)
    parts.span.end(clock.currentTimeNanosUnsafe(), Exit.void)
    if (admitted === undefined) return
    const { applicationId, workspaceId, keyId } = admitted
    const { requestId } = parts
    const { route, bytesSent, bytesReceived } = exchange
    const at = clock.currentTimeMillisUnsafe()
    keyUses.note(keyId, at)
    if (activeUser !== "") activeUsers.note(applicationId, activeUser, at)
    meter.record({
      ...{ requestId, applicationId, workspaceId, keyId, method, route, status, durationMs },
      ...{ bytesSent, bytesReceived, activeUser, at },
    })
  }

  /** What the key's route, its rate, and the request itself allow. */
  const admit = (exchange: Exchange, { route, identity }: Known, { path }: Target, now: number): void => {
    const { request, head, headers } = exchange.parts
    const refusal = refusalOf(route, { now, origin: head.origin })
    if (refusal !== undefined) return exchange.refuse(refusal)
    const { allowed, limit, remaining, fullAt, retryAfterMs } = limits.take(route.keyId, route.rateLimit, now)
    headers.push("X-RateLimit-Limit", String(limit), "X-RateLimit-Remaining", String(remaining))
    headers.push("X-RateLimit-Reset", String(fullAt))
    if (!allowed) return exchange.refuse({ _tag: "RateLimited", retryAfterMs })
    exchange.admitted = route
    if (!isOffered(request.method, head.upgrade)) return exchange.refuse({ _tag: "NotOffered" })
    if (path === undefined) return exchange.refuse({ _tag: "PathRefused" })
    // A route without an instance was refused above.
    forward(exchange, route.instanceOrigin ?? "", path, identity.token)
  }

  const forward = (exchange: Exchange, origin: string, path: string, identity: string): void => {
    const { request, head, requestId, span } = exchange.parts
    const instance = instances.at(origin)
    const { headers } = head
    headers.push("x-authsome-identity", identity, "x-request-id", requestId, "traceparent", formatTraceparent(span))
    headers.push("x-forwarded-for", clientAddress(remoteAddressOf(request), head.forwardedFor, trustedHops))
    const method = request.method ?? "GET"
    takeBody(request, head, {
      limit: maxBodyBytes,
      received: (bytes) => exchange.received(bytes),
      tooLarge: () => exchange.refuse({ _tag: "BodyTooLarge", limit: maxBodyBytes }),
      ready: (body) => {
        const length = body !== null && !Buffer.isBuffer(body) && !head.chunked ? head.contentLength : undefined
        if (length !== undefined) headers.push("content-length", String(length))
        exchange.send(instance, { path, method, headers, body }, timeoutMs)
      },
    })
  }

  const refuseMalformed = (exchange: Exchange): void => {
    counts.malformedKey()
    exchange.refuse({ _tag: "InvalidKey" })
  }

  /** A key that memory does not know: its shape first, then whoever knows. */
  const ask = (exchange: Exchange, target: Target, key: string, digest: string): void => {
    const apiKey = parseApiKey(key)
    if (apiKey === undefined) return refuseMalformed(exchange)
    const { applicationId } = target
    if (!isApplicationId(applicationId)) return exchange.refuse({ _tag: "UnknownApplication" })
    const found =
      apiKey.applicationId === applicationId
        ? routes.find(applicationId, digest)
        : Effect.map(
            routes.exists(applicationId),
            (exists): Finding => ({ _tag: exists ? "UnknownKey" : "UnknownApplication" }),
          )
    const act = (exit: Exit.Exit<Finding, VerdictUnavailable>): void => {
      if (exchange.isOver) return
      if (Exit.isFailure(exit)) return exchange.refuse({ _tag: "VerdictUnavailable" })
      switch (exit.value._tag) {
        case "Valid":
          return admit(exchange, exit.value.known, target, clock.currentTimeMillisUnsafe())
        case "UnknownKey":
          return exchange.refuse({ _tag: "InvalidKey" })
        case "UnknownApplication":
          return exchange.refuse({ _tag: "UnknownApplication" })
      }
    }
    const fiber = Effect.runForkWith(context)(found)
    const exit = fiber.pollUnsafe()
    if (exit === undefined) fiber.addObserver(act)
    else act(exit)
  }

  return (request: IncomingMessage, response: ServerResponse, url: string): void => {
    const now = clock.currentTimeMillisUnsafe()
    const head = readHead(request.rawHeaders)
    const target = parseTarget(url)
    const requestId = acceptRequestId(head.requestId)
    const headers = ["X-AuthSome-Request-ID", requestId, "X-AuthSome-Region", region]
    if (isApplicationId(target.applicationId)) headers.push("X-AuthSome-App-ID", target.applicationId)
    counts.begun()
    const exchange = new Exchange({ request, response, head, requestId, headers, ended, span: begin(head.traceparent) })
    const digest = head.key === undefined ? undefined : digestOf(head.key)
    if (head.key === undefined || digest === undefined) return refuseMalformed(exchange)
    const known = routes.known(digest, now)
    if (known !== undefined && known.route.applicationId === target.applicationId) {
      admit(exchange, known, target, now)
    } else ask(exchange, target, head.key, digest)
  }
})

/** No tunnels, no echoes of what the proxy adds, and no other protocol; that h2c was offered may be ignored. */
const isOffered = (method: string | undefined, upgrade: string | undefined): boolean =>
  method !== "CONNECT" && method !== "TRACE" && (upgrade === undefined || upgrade.toLowerCase() === "h2c")
