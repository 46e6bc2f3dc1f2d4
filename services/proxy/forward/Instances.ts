/** The connections to instances: a pool for each, so that one that is slow takes nothing from the others. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Dispatcher, Pool } from "undici"
import { makeBoundedMap } from "#shared/runtime/BoundedMap.ts"

export interface InstancesOptions {
  /** How long an instance may be silent within an answer. */
  readonly timeout: Duration.Duration
  /** Connections to one instance. */
  readonly connections: number
}

export interface Instance {
  /** Sends a request, and calls `handler` until it ends or fails; false where too many are under way already. */
  readonly send: (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => boolean
  /** To be called once for every request that was sent, when it is over. */
  readonly release: () => void
}

export class Instances extends Context.Service<
  Instances,
  {
    /** The instance at this origin, such as `http://authsome.authsome-app-….svc.cluster.local`. */
    readonly at: (origin: string) => Instance
  }
>()("proxy/forward/Instances") {
  static readonly layer = (options: InstancesOptions) => Layer.effect(Instances, make(options))
}

/** Instances whose connections are kept at one time. */
const maxInstances = 5000
const connectMillis = 3000
/** Less than the 65 s after which an instance closes an idle connection, so that nothing is sent into a closed one. */
const idleMillis = 30_000
/** Requests that wait for each connection. */
const waitingPerConnection = 8

const make = Effect.fnUntraced(function* ({ timeout, connections }: InstancesOptions) {
  const limit = connections * (1 + waitingPerConnection)
  const pools = new Set<Pool>()
  const instances = makeBoundedMap<string, Instance & { readonly pool: Pool }>(maxInstances, (_, { pool }) => {
    pools.delete(pool)
    // Lets what is under way finish; nothing can be done about a connection that does not close well.
    pool.close().catch(() => {})
  })
  yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all([...pools].map((pool) => pool.destroy()))))

  const open = (origin: string): Instance & { readonly pool: Pool } => {
    const pool = new Pool(origin, {
      connections,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: connectMillis },
      keepAliveTimeout: idleMillis,
      keepAliveMaxTimeout: idleMillis,
      headersTimeout: 0, // the exchange has a limit of its own, which begins with the wait for a connection
      bodyTimeout: Duration.toMillis(timeout),
    })
    pools.add(pool)
    let underWay = 0
    return {
      pool,
      send: (options, handler) => {
        if (underWay >= limit) return false
        underWay += 1
        pool.dispatch(options, handler)
        return true
      },
      release: () => {
        underWay -= 1
      },
    }
  }

  return Instances.of({
    at: (origin) => {
      const known = instances.get(origin)
      if (known !== undefined) return known
      const instance = open(origin)
      instances.set(origin, instance)
      return instance
    },
  })
})
