/** The endpoints of a target as they come and go, and a place at one of them for each call. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { away } from "./answer.ts"
import { Balancer } from "./Balancer.ts"
import type { Connection, TlsMaterial } from "./Connection.ts"
import { discover } from "./discover.ts"
import type { Endpoint, EndpointSettings } from "./Endpoint.ts"
import type { Done, Failure, Running } from "./Exchange.ts"
import { observeTarget } from "./metrics.ts"
import type { Resolver } from "./Resolver.ts"
import type { Target } from "./Target.ts"

export interface EndpointsSettings extends EndpointSettings {
  /** How often the addresses of a name are looked for again. */
  readonly resolveIntervalMs: number
  /** So many calls wait while no address is known. */
  readonly maxWaiting: number
}

export interface Endpoints {
  /**
   * Starts a call at the endpoint that suits it best, but not at `avoid` where there is another: at once, or when the
   * first address is known. Where there is none to be had, `done` hears it.
   */
  readonly place: (avoid: Endpoint | undefined, start: (at: Endpoint) => Running, done: Done) => Running
  /** Whether another endpoint than this one is fit for a call. */
  readonly hasOther: (than: Endpoint | undefined) => boolean
}

/** The endpoints of `target` until the scope closes, which cuts what still runs. */
export const make = (
  target: Target,
  tls: (() => TlsMaterial) | undefined,
  resolver: Resolver,
  settings: EndpointsSettings,
): Effect.Effect<Endpoints, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const clock = Context.get(context, Clock.Clock)
    const random = Context.get(context, Random.Random)
    const observe = observeTarget(target.authority, context)
    const connections = new Set<Connection>()
    const waiting = new Set<(why: Failure | undefined) => void>()
    let lookAgain = (): void => {}
    let isClosed = false
    const balancer = new Balancer({ scheme: target.scheme, name: target.host, tls }, settings, {
      now: () => clock.currentTimeMillisUnsafe(),
      random: () => random.nextDoubleUnsafe(),
      onTrouble: () => lookAgain(),
      onEjected: observe.ejected,
      onOpened: (connection) => observe.connections(connections.add(connection).size),
      onEnded: (connection) => {
        connections.delete(connection)
        observe.connections(connections.size)
      },
    })
    /** Those that wait go on, or hear why not. */
    const release = (why: Failure | undefined): void => {
      const all = [...waiting]
      waiting.clear()
      for (const go of all) go(why)
    }
    const place: Endpoints["place"] = (avoid, start, done) => {
      const endpoint = balancer.pick(avoid)
      if (endpoint !== undefined) return start(endpoint)
      if (isClosed) return refuse(closed, done)
      if (waiting.size >= settings.maxWaiting) return refuse(full, done)
      let running: Running | undefined
      const go = (why: Failure | undefined): void => {
        running = why === undefined ? place(avoid, start, done) : refuse(why, done)
      }
      waiting.add(go)
      lookAgain()
      return { cancel: () => (running === undefined ? void waiting.delete(go) : running.cancel()) }
    }

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isClosed = true
        release(closed)
        balancer.update([])
        for (const connection of connections) connection.cut("the channel is closed", false)
      }),
    )
    lookAgain = yield* discover(target, resolver, settings.resolveIntervalMs, {
      found: (addresses) => {
        balancer.update(addresses)
        release(undefined)
      },
      missed: ({ reason }) => release(nowhere(reason)),
    })
    return { place, hasOther: (than) => balancer.hasOther(than) }
  })

const nowhere = (why: string): Failure => ({ error: away(why), fate: "unsent", endpoint: undefined })

const full = nowhere("too many calls wait for its address")
/** Final, whatever the contract allows. */
const closed: Failure = { ...nowhere("the channel is closed"), fate: "lost" }

const refuse = (failure: Failure, done: Done): Running => {
  done(undefined, failure)
  return { cancel: () => {} }
}
