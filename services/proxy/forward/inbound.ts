/** The head of a customer's request: what the proxy reads in it, and what of it the instance gets to see. */

export interface InboundHead {
  /** Name, value, name, value: what goes on to the instance. The caller adds its own. */
  readonly headers: Array<string>
  /** The key, from `Authorization: Bearer` or else `X-API-Key`. */
  readonly key: string | undefined
  readonly requestId: string | undefined
  readonly traceparent: string | undefined
  readonly forwardedFor: string | undefined
  readonly origin: string | undefined
  readonly upgrade: string | undefined
  /** Bytes; undefined where the request does not say. */
  readonly contentLength: number | undefined
  readonly chunked: boolean
}

/** `X-AuthSome-Session` is the one header of this family that a customer may send. */
const ownFamily = "x-authsome-"
const session = "x-authsome-session"

/**
 * Headers that end here: those between two hops (RFC 9110, section 7.6.1), those that the proxy or its HTTP client
 * writes itself, and those by which programs behind the proxy know one another.
 */
const kept = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade", "http2-settings", "expect", "host", "content-length"],
  ...["authorization", "x-api-key", "x-internal-api-key", "x-mesh-peer"],
  ...["x-request-id", "traceparent", "tracestate", "forwarded", "x-real-ip"],
  ...["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"],
])

const bearer = /^bearer +(\S+) *$/i

/** Reads Node's raw header list in one pass. Of a header that came twice the first counts, as in Node. */
export const readHead = (raw: ReadonlyArray<string>): InboundHead => {
  const headers: Array<string> = []
  let authorization: string | undefined
  let apiKey: string | undefined
  let requestId: string | undefined
  let traceparent: string | undefined
  let forwardedFor: string | undefined
  let origin: string | undefined
  let upgrade: string | undefined
  let connection: string | undefined
  let contentLength: number | undefined
  let chunked = false

  for (let index = 0; index + 1 < raw.length; index += 2) {
    const original = raw[index] ?? ""
    const value = raw[index + 1] ?? ""
    const name = original.toLowerCase()
    if (!kept.has(name)) {
      if (name === "origin") origin ??= value
      if (!name.startsWith(ownFamily) || name === session) headers.push(name, value)
      continue
    }
    switch (name) {
      case "authorization":
        authorization ??= value
        break
      case "x-api-key":
        apiKey ??= value
        break
      case "x-request-id":
        requestId ??= value
        break
      case "traceparent":
        traceparent ??= value
        break
      case "x-forwarded-for":
        forwardedFor = forwardedFor === undefined ? value : `${forwardedFor},${value}`
        break
      case "upgrade":
        upgrade ??= value
        break
      case "connection":
        connection = connection === undefined ? value : `${connection},${value}`
        break
      case "content-length":
        contentLength ??= Number(value)
        break
      case "transfer-encoding":
        chunked = true
        break
    }
  }
  return {
    headers: connection === undefined ? headers : withoutNamed(headers, connection),
    key: bearerOf(authorization) ?? apiKey,
    requestId,
    traceparent,
    forwardedFor,
    origin,
    upgrade,
    contentLength,
    chunked,
  }
}

const bearerOf = (authorization: string | undefined): string | undefined => {
  if (authorization === undefined) return undefined
  return authorization.startsWith("Bearer ") && authorization.lastIndexOf(" ") === 6
    ? authorization.slice(7)
    : bearer.exec(authorization)?.[1]
}

/** The list without the headers that a Connection header declares to be between two hops. */
export const withoutNamed = (headers: Array<string>, connection: string): Array<string> => {
  const lower = connection.toLowerCase()
  if (lower === "keep-alive" || lower === "close") return headers
  const named = new Set(lower.split(",").map((token) => token.trim()))
  return headers.filter((_, index) => !named.has(headers[index - (index % 2)] ?? ""))
}
