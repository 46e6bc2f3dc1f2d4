import { isIPv6 } from "node:net"

/**
 * What one subscriber has of the Internet: an IPv4 address, or the first 64 bits of an IPv6 address (RFC 6177), within
 * which a machine takes a new address whenever it likes. An IPv4 address in IPv6 notation is the same as without.
 */
export const clientNetwork = (ip: string): string => {
  const [address = ""] = ip.split("%")
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? ip
  // URL writes an address in the one form of RFC 5952; only its :: is left to be written out.
  const { hostname } = new URL(`http://[${address}]/`)
  const [head = [], tail = []] = hostname
    .slice(1, -1)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0")
  return [...head, ...zeros, ...tail].slice(0, 4).join(":")
}
