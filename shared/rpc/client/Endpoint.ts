/** One address of a target: its connections, the calls that run on them, and whether it deserves more. */
import { Breaker, type BreakerSettings } from "./Breaker.ts"
import { Connection, type ConnectionEvents, type ConnectionSettings, type Peer } from "./Connection.ts"
import type { Address } from "./Resolver.ts"

export interface EndpointSettings extends ConnectionSettings {
  /** So many connections at most, where a peer allows fewer concurrent calls than there are. */
  readonly maxConnections: number
  readonly breaker: BreakerSettings
}

/** What an endpoint asks of its channel. */
export interface Surroundings {
  /** Milliseconds of a clock. */
  readonly now: () => number
  /** 0 to 1. */
  readonly random: () => number
  /** Something went wrong or away: the target's addresses may have changed. */
  readonly onTrouble: () => void
  readonly onEjected: () => void
  readonly onOpened: (connection: Connection) => void
  readonly onEnded: (connection: Connection) => void
}

export const keyOf = ({ host, port }: Address): string => `${host} ${port}`

export class Endpoint {
  /** Tells endpoints of a target apart. */
  readonly key: string
  readonly breaker: Breaker
  /** Calls that run. */
  inFlight = 0
  readonly #peer: Peer
  readonly #settings: EndpointSettings
  readonly #around: Surroundings
  readonly #events: ConnectionEvents
  /** Those that take calls, and one that is being made to take the place of an aged one. */
  readonly #connections: Array<Connection> = []
  #replacement: Connection | undefined
  /** How many calls the last connection took at a time. */
  #room = Number.POSITIVE_INFINITY

  constructor(peer: Peer, settings: EndpointSettings, around: Surroundings) {
    this.key = keyOf(peer)
    this.#peer = peer
    this.#settings = settings
    this.#around = around
    this.breaker = new Breaker(settings.breaker, around.random, around.onEjected)
    this.#events = {
      ready: (connection) => this.#ready(connection),
      leaving: (connection) => {
        this.#forget(connection)
        around.onTrouble()
      },
      ended: (connection) => this.#ended(connection),
    }
  }

  /** Whether a call may go here now, as far as the breaker is concerned. */
  get admits(): boolean {
    return this.breaker.isClosed || this.breaker.admits(this.#around.now())
  }

  /**
   * Whether a call that comes here now would be sent at once. Where only a connection is missing for that, it is being
   * made from now on: calls that have another place to go do not wait for it, nor find out that there is nobody.
   */
  isReady(): boolean {
    if (!this.admits) return false
    const [first] = this.#connections
    if (first === undefined) this.#connections.push(this.#open())
    return first?.made === true
  }

  /** A call comes: the connection that it goes on. Say `ended` when it is over. */
  began(): Connection {
    const first = this.#connections[0]
    const connection = first !== undefined && first.calls < first.room ? first : this.#roomier()
    if (!this.breaker.isClosed) this.breaker.began(this.#around.now())
    this.inFlight += 1
    connection.begun()
    return connection
  }

  ended(connection: Connection): void {
    this.inFlight -= 1
    connection.done()
  }

  /** A call failed for a reason that lies with the endpoint. */
  failed(): void {
    this.breaker.failed(this.#around.now())
  }

  /** Takes no more calls; those that run go on. */
  retire(): void {
    for (const connection of [...this.#connections]) connection.leave()
    this.#replacement?.leave()
  }

  #roomier(): Connection {
    const roomy = this.#connections.find(({ calls, room }) => calls < room)
    if (roomy !== undefined) return roomy
    const aged = this.#connections.find((connection) => connection.aged)
    if (aged !== undefined) {
      this.#replacement ??= this.#open()
      return aged
    }
    if (this.#connections.length < this.#settings.maxConnections) {
      const fresh = this.#open()
      this.#connections.push(fresh)
      return fresh
    }
    return this.#connections.reduce((least, each) => (each.calls < least.calls ? each : least))
  }

  #open(): Connection {
    const connection = new Connection(this.#peer, this.#settings, this.#room, this.#around.random(), this.#events)
    this.#around.onOpened(connection)
    return connection
  }

  #ready(connection: Connection): void {
    this.#room = connection.room
    if (connection !== this.#replacement) return
    this.#replacement = undefined
    const aged = this.#connections.filter((each) => each.aged)
    this.#connections.unshift(connection)
    for (const each of aged) each.leave()
  }

  #ended(connection: Connection): void {
    this.#around.onEnded(connection)
    this.#forget(connection)
    if (connection === this.#replacement) {
      this.#replacement = undefined
      for (const each of this.#connections) if (each.aged) each.renew()
    } else if (connection.broken) {
      if (connection.made) this.failed()
      else this.breaker.unreachable(this.#around.now())
      this.#around.onTrouble()
    }
  }

  #forget(connection: Connection): void {
    const index = this.#connections.indexOf(connection)
    if (index >= 0) this.#connections.splice(index, 1)
  }
}
