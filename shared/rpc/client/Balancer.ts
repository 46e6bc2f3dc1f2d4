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
   * Where a call goes; undefined where no address is known. Not to `avoid` and not where a breaker is open, unless there
   * is nothing else: when everything is ejected, trying is better than failing everything.
   */
  pick(avoid: Endpoint | undefined): Endpoint | undefined {
    const endpoints = this.#endpoints
    const count = endpoints.length
    if (count <= 1) return endpoints[0]
    const start = Math.floor(this.#around.random() * count)
    const one = endpoints[start]
    const two = endpoints[(start + 1 + Math.floor(this.#around.random() * (count - 1))) % count]
    const isOneFit = one !== undefined && one !== avoid && one.admits
    const isTwoFit = two !== undefined && two !== avoid && two.admits
    if (isOneFit && isTwoFit) return one.inFlight <= two.inFlight ? one : two
    if (isOneFit) return one
    if (isTwoFit) return two
    const inTurn = [...endpoints.slice(start), ...endpoints.slice(0, start)]
    return (
      inTurn.find((endpoint) => endpoint !== avoid && endpoint.admits) ??
      inTurn.find((endpoint) => endpoint !== avoid) ??
      one
    )
  }

  /** Whether another endpoint than this one is fit for a call. */
  hasOther(than: Endpoint | undefined): boolean {
    return this.#endpoints.some((endpoint) => endpoint !== than && endpoint.admits)
  }
}
