/**
 * A way to one program of the mesh, however many processes that is: calls to whichever of its endpoints suits best. One
 * attempt each; what a failed one is worth repeating is the client's to decide.
 */
import type { DescMethodUnary } from "@bufbuild/protobuf"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { breakerSettings } from "./Breaker.ts"
import type { TlsMaterial } from "./Connection.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as Endpoints from "./Endpoints.ts"
import { type Done, Exchange, type Failure, type Running } from "./Exchange.ts"
import { dnsResolver, type Resolver } from "./Resolver.ts"
import { makeRetryBudget, type RetryBudget } from "./RetryBudget.ts"
import { type OpenStream, openStream, type StreamRequest } from "./ServerStream.ts"
import { type Target, targetOf } from "./Target.ts"

export interface ChannelOptions {
  /** Where the program's mesh face is: `http://billing:9084`, `https://…`, or `dns:///billing:9084` for all its processes. */
  readonly url: URL
  /** The name under which this process calls. */
  readonly peer: string
  /** The key that programs of the mesh show one another; absent where certificates do that. */
  readonly internalKey?: Redacted.Redacted<string> | undefined
  /** Our certificate and whom we believe, asked for at each new connection. Absent: what the system believes. */
  readonly tls?: (() => TlsMaterial) | undefined
  /** How names become addresses; DNS where unset. */
  readonly resolver?: Resolver | undefined
  readonly settings?: Partial<ChannelSettings> | undefined
}

export interface ChannelSettings extends Endpoints.EndpointsSettings {
  /** The largest answer. Bytes. */
  readonly maxMessageBytes: number
}

export const channelSettings: ChannelSettings = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxWaiting: 1000,
  resolveIntervalMs: 5000,
  connectTimeoutMs: 2000,
  pingIntervalMs: 20_000,
  pingTimeoutMs: 5000,
  maxAgeMs: 10 * 60_000,
  maxConnections: 4,
  breaker: breakerSettings,
}

export interface Channel {
  readonly peer: string
  readonly budget: RetryBudget
  /** Where the channel was made: its metrics, its chance. */
  readonly context: Context.Context<never>
  /** What every unary call of an rpc sends, as Node takes it: names and values in turn. */
  readonly headersOf: (rpc: string) => ReadonlyArray<string>
  /** One unary exchange, which empties `headers`. Calls `done` once, unless it is given up before. */
  readonly unary: (
    method: DescMethodUnary,
    headers: Array<string>,
    frame: Buffer,
    avoid: Endpoint | undefined,
    done: Done,
  ) => Running
  /** Opens one stream. */
  readonly stream: (request: StreamRequest, avoid: Endpoint | undefined) => Effect.Effect<OpenStream, Failure>
  /** Whether another endpoint than this one is fit for a call. */
  readonly hasOther: (than: Endpoint | undefined) => boolean
}

/** A channel for as long as the scope lives. Connects when it is first needed. Dies of a URL that is no target. */
export const make = (options: ChannelOptions): Effect.Effect<Channel, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { peer, internalKey, resolver = dnsResolver } = options
    const settings: ChannelSettings = { ...channelSettings, ...options.settings }
    const target = targetOf(options.url, options.tls !== undefined)
    const { place, hasOther } = yield* Endpoints.make(target, options.tls, resolver, settings)
    const identity = {
      "x-mesh-peer": peer,
      ...(internalKey === undefined ? {} : { "x-internal-api-key": Redacted.value(internalKey) }),
    }
    return {
      peer,
      budget: makeRetryBudget(),
      context: yield* Effect.context<never>(),
      headersOf: (rpc) => Object.entries({ ...headersOf(target, rpc), ...identity }).flat(),
      unary: (method, headers, frame, avoid, done) => {
        const start = (at: Endpoint) => new Exchange(at, method, headers, frame, settings.maxMessageBytes, done)
        return place(avoid, start, done)
      },
      stream: (request, avoid) =>
        Effect.flatMap(placed(place, avoid), (endpoint) =>
          openStream(endpoint, target, { ...request, headers: { ...identity, ...request.headers } }),
        ),
      hasOther,
    }
  })

const headersOf = (target: Target, rpc: string) => ({
  ":method": "POST",
  ":path": `/${rpc}`,
  ":scheme": target.scheme,
  ":authority": target.authority,
  "content-type": "application/grpc+proto",
  te: "trailers",
})

/** The endpoint for a call, for whoever starts it alone. */
const placed = (place: Endpoints.Endpoints["place"], avoid: Endpoint | undefined): Effect.Effect<Endpoint, Failure> =>
  Effect.callback((resume) => {
    const running = place(
      avoid,
      (endpoint) => {
        resume(Effect.succeed(endpoint))
        return { cancel: () => {} }
      },
      (_, failure) => failure !== undefined && resume(Effect.fail(failure)),
    )
    return Effect.sync(() => running.cancel())
  })
