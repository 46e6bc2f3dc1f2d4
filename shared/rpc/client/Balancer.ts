/**
 * The endpoints of a target, and which of them the next call goes to: of two taken at random, the one with fewer calls
 * running (Mitzenmacher, "The power of two choices"). That costs two reads, sees a slow endpoint at once, and unlike
 * round robin does not go in step with other clients.
 */

import type { Peer } from "./Connection.ts"
import { Endpoint, type EndpointSettings, keyOf, type Surroundings } from "./Endpoint.ts"
import type { Address } from "./Resolver.ts"

export class Balancer {
  #endpoints: ReadonlyArray<Endpoint> = []
  readonly #peer: Omit<Peer, keyof Address>
  readonly #settings: EndpointSettings
  readonly #around: Surroundings

  constructor(peer: Omit<Peer, keyof Address>, settings: EndpointSettings, around: Surroundings) {
    this.#peer = peer
    this.#settings = settings
    this.#around = around
  }

  /** The target is at these addresses now: what was known stays as it is, what is gone finishes its calls. */
  update(addresses: ReadonlyArray<Address>): void {
    const before = new Map(this.#endpoints.map((endpoint) => [endpoint.key, endpoint]))
    this.#endpoints = addresses.map(
      ({ host, port }) =>
        before.get(keyOf({ host, port })) ?? new Endpoint({ ...this.#peer, host, port }, this.#settings, this.#around),
    )
    for (const { key } of this.#endpoints) before.delete(key)
    for (const endpoint of before.values()) endpoint.retire()
  }

  /**
   * Where a call goes; undefined where no address is known. Never to `avoid` where there is another; to one that has to
   * be connected first, or even to one whose breaker is open, only where there is no better one: when everything is
   * ejected, trying is better than failing everything.
   */
  pick(avoid: Endpoint | undefined): Endpoint | undefined {
    const endpoints = this.#endpoints
    const count = endpoints.length
    if (count <= 1) return endpoints[0]
    const start = Math.floor(this.#around.random() * count)
    const one = endpoints[start]
    const two = endpoints[(start + 1 + Math.floor(this.#around.random() * (count - 1))) % count]
    const isOneReady = one !== undefined && one !== avoid && one.isReady()
    const isTwoReady = two !== undefined && two !== avoid && two.isReady()
    if (isOneReady && isTwoReady) return one.inFlight <= two.inFlight ? one : two
    if (isOneReady) return one
    if (isTwoReady) return two
    const others = [...endpoints.slice(start), ...endpoints.slice(0, start)].filter((each) => each !== avoid)
    return others.find((each) => each.isReady()) ?? others.find((each) => each.admits) ?? others[0]
  }

  /** Whether another endpoint than this one is fit for a call. */
  hasOther(than: Endpoint | undefined): boolean {
    return this.#endpoints.some((endpoint) => endpoint !== than && endpoint.admits)
  }
}
