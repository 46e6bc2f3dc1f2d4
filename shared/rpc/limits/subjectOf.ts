/** In whose name a call is counted. */
import { isIPv6 } from "node:net"
import type { CallerIdentity } from "../Caller.ts"

/**
 * The caller, where there is one; else the network that the call comes from. A public key is no caller: everybody has it
 * who opens the customer's page. Undefined: not counted. A program that answers for many persons, of the mesh or (by its
 * secret key) of a customer, would be refused for what one of them does; the proxy counts what a secret key does.
 */
export const subjectOf = (caller: CallerIdentity, remoteAddress: string): string | undefined => {
  switch (caller._tag) {
    case "Anonymous":
      return `network ${networkOf(remoteAddress)}`
    case "User":
      return `user ${caller.userId}`
    case "EndUser":
      return `end user ${caller.key.applicationId} ${caller.userId}`
    case "Key":
      return caller.key.kind === "public"
        ? `network ${caller.key.applicationId} ${networkOf(remoteAddress)}`
        : undefined
    case "Peer":
      return undefined
  }
}

const clothes = "::ffff:"

/** An IPv4 address; of an IPv6 address the first 64 bits, since one customer of a provider has all the others (RFC 6177). */
export const networkOf = (address: string): string => {
  const plain = address.startsWith(clothes) ? address.slice(clothes.length) : address
  if (!isIPv6(plain)) return plain
  const [front = "", back] = plain.split("%", 1).join("").split("::")
  const before = front.split(":").filter((group) => group !== "")
  const after = (back ?? "").split(":").filter((group) => group !== "")
  // An IPv4 address at the end takes the place of two groups.
  const length = before.length + after.length + (plain.includes(".") ? 1 : 0)
  const zeros = back === undefined ? [] : Array.from({ length: Math.max(0, 8 - length) }, () => "0")
  const groups = [...before, ...zeros, ...after].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`
}
