import { isIP } from "node:net"

/**
 * The address that a request came from. `trustedHops` programs of ours stand in front of the proxy and append to
 * `X-Forwarded-For`; what is further to the left in it anybody can have written.
 */
export const clientAddress = (peer: string, forwardedFor: string | undefined, trustedHops: number): string => {
  if (trustedHops === 0 || forwardedFor === undefined) return plain(peer)
  const hops = [...forwardedFor.split(",").map((hop) => hop.trim()), peer]
  const claimed = hops[Math.max(0, hops.length - 1 - trustedHops)] ?? peer
  return isIP(claimed) === 0 ? plain(peer) : plain(claimed)
}

/** An IPv4 address without the clothes that a socket for both families puts on it. */
const plain = (address: string): string => (address.startsWith("::ffff:") ? address.slice(7) : address)
