import { expect, it } from "vitest"
import { targetOf } from "./Target.ts"

it("an address is its own only endpoint", () => {
  expect(targetOf(new URL("http://billing:9084"), false)).toEqual({
    scheme: "http",
    host: "billing",
    port: 9084,
    authority: "billing:9084",
    balanced: false,
  })
  expect(targetOf(new URL("https://billing"), true)).toMatchObject({ scheme: "https", port: 443 })
  expect(targetOf(new URL("http://[::1]:9084"), false)).toMatchObject({ host: "::1", authority: "[::1]:9084" })
})

it("a name stands for all its addresses, and uses certificates where there are some", () => {
  const plain = { scheme: "http", host: "billing.mesh", port: 9084, authority: "billing.mesh:9084", balanced: true }
  expect(targetOf(new URL("dns:///billing.mesh:9084"), false)).toEqual(plain)
  expect(targetOf(new URL("dns:billing.mesh:9084"), true)).toEqual({ ...plain, scheme: "https" })
})

it.each([
  ["dns:///billing", "it is not dns:///name:port"],
  ["dns:///billing:99999", "it is not dns:///name:port"],
  ["dns:///a/b:1", "it is not dns:///name:port"],
  ["dns://10.0.0.53/billing:9084", "a DNS server cannot be chosen"],
  ["ftp://billing:9084", "only http:, https: and dns: are understood"],
])("%s is none, and it is said why", (url, why) => {
  expect(() => targetOf(new URL(url), false)).toThrow(why)
})

it("certificates are never left unused by mistake", () => {
  expect(() => targetOf(new URL("http://billing:9084"), true)).toThrow("http: does not use them")
})
