import { expect, it } from "vitest"
import { clientAddress } from "./clientAddress.ts"

it.each([
  ["::ffff:10.0.0.1", undefined, 0, "10.0.0.1"],
  ["10.0.0.1", "6.6.6.6", 0, "10.0.0.1"],
  ["10.0.0.1", "6.6.6.6, 203.0.113.7", 1, "203.0.113.7"],
  ["10.0.0.1", "203.0.113.7,10.0.0.2", 2, "203.0.113.7"],
  ["10.0.0.1", "2001:db8::1", 1, "2001:db8::1"],
  ["10.0.0.1", "2001:db8::1", 5, "2001:db8::1"],
  ["10.0.0.1", "unknown", 1, "10.0.0.1"],
  ["10.0.0.1", undefined, 1, "10.0.0.1"],
])("peer %s, forwarded for %s, %i hops: %s", (peer, forwardedFor, hops, address) => {
  expect(clientAddress(peer, forwardedFor, hops)).toBe(address)
})
