/** Headers that are odd, long, repeated or wrong; never such that the request's end would no longer be known. */

import type { Request } from "../Case.ts"
import type { Random } from "../Random.ts"
import { oddText } from "./bytes.ts"

type Header = readonly [name: string, value: string]

/** The request with one header added or replaced. */
export const mutateHeaders = (random: Random, request: Request): Request => {
  const [name, value] = header(random)
  const keep = random.oneIn(3) // twice, then
  return {
    ...request,
    headers: [...request.headers.filter(([other]) => keep || other !== name), [name, value]],
  }
}

const header = (random: Random): Header => {
  const odd = latin1(random)
  const name = random.pick([
    "content-type",
    "grpc-timeout",
    "connect-timeout-ms",
    "grpc-encoding",
    "grpc-accept-encoding",
    "content-encoding",
    "connect-content-encoding",
    "accept-encoding",
    "connect-accept-encoding",
    "connect-protocol-version",
    "authorization",
    "x-internal-api-key",
    "x-mesh-peer",
    "x-request-id",
    "traceparent",
    "idempotency-key",
    "odd-bin",
    "grpc-status-details-bin",
    "host",
    "accept",
    "expect",
    "te",
    "x-forwarded-for",
    "cookie",
    "origin",
    "if-none-match",
    "range",
    "__proto__",
    "constructor",
    odd.replaceAll(/[^!#-'*+.^-z|~-]/g, "").toLowerCase() || "x",
  ])
  return [name, random.oneIn(3) ? odd : valueOf(random, name)]
}

const valueOf = (random: Random, name: string): string => {
  switch (name) {
    case "content-type":
      return random.pick(contentTypes)
    case "grpc-timeout":
      return random.pick([
        "1n",
        "0n",
        "1u",
        "5m",
        "1S",
        "99999999H",
        "100000000H",
        "-1S",
        "S",
        "1",
        "1.5S",
        "1S,1S",
        "",
      ])
    case "connect-timeout-ms":
      return random.pick(["0", "1", "9999999999", "99999999999", "-1", "1e3", "x", ""])
    case "expect":
      return random.pick(["100-continue", "200-ok"])
    case "host":
      return random.pick(["", "[", "a b", "[::1", "a:99999", "@", "a/b", "%", "\u00e9", "localhost", "x\\y", "::", "#"])
    case "traceparent":
      return random.pick([
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-0000000000000000-00",
        "00",
      ])
    case "odd-bin":
    case "grpc-status-details-bin":
      return random.pick(["!", "AAA", "A", "=", "AA==,AA==", "____"])
    default:
      return random.pick([
        "gzip",
        "br",
        "deflate",
        "identity",
        "gzip, identity",
        "nothing",
        "1",
        "2",
        "a, b",
        "Bearer reader",
        "Bearer",
        "*",
      ])
  }
}

const contentTypes = [
  "application/json",
  "application/proto",
  "application/grpc",
  "application/grpc+proto",
  "application/grpc+json",
  "application/grpc+x",
  "application/grpc-web",
  "application/grpc-web+proto",
  "application/grpc-web+json",
  "application/grpc-web-text",
  "application/grpc-web-text+proto",
  "application/connect+json",
  "application/connect+proto",
  "application/connect+",
  "application/json; charset=utf-16",
  "application/json;charset",
  "text/plain",
  "multipart/form-data",
  "/",
  "",
] as const

/** Odd text in what a header may hold: visible Latin-1, blanks and tabs. */
const latin1 = (random: Random): string => {
  const text = random.oneIn(6)
    ? random.bytes(random.pick([1, 20, 200])).toString("latin1")
    : random.oneIn(12)
      ? "h".repeat(random.pick([4_000, 15_000, 17_000, 70_000]))
      : oddText(random)
  return text.replaceAll(/[^\t -~\u0080-\u00ff]/g, "~")
}
