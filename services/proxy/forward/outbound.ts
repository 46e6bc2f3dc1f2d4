/** The head of an instance's answer: what the customer gets to see of it, and what it tells the proxy alone. */
import { withoutNamed } from "./inbound.ts"

export interface OutboundHead {
  /** Name, value, name, value: what goes on to the customer. The caller adds its own. */
  readonly headers: Array<string>
  /** The end user whom the request counts as active this month, "usr_…". */
  readonly activeUser: string | undefined
  /** The path with its variables by name, such as "/users/{id}". */
  readonly route: string | undefined
}

/** Every header of this family comes from the proxy itself: the instance's are news for it, or nothing. */
const ownFamily = "x-authsome-"

/** Which pages may read an answer the proxy says. */
const crossOrigin = "access-control-"

const hopByHop = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding"],
  "upgrade",
])

const userShape = /^usr_[a-z2-7]{26}$/
const routeShape = /^\/[!-~]{0,255}$/

/** Reads the instance's headers, by their lower-case names. */
export const readAnswerHead = (
  answer: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>,
): OutboundHead => {
  const headers: Array<string> = []
  let activeUser: string | undefined
  let route: string | undefined
  for (const name in answer) {
    const value = answer[name]
    if (value === undefined || hopByHop.has(name) || name.startsWith(crossOrigin)) continue
    if (name.startsWith(ownFamily)) {
      if (name === "x-authsome-active-user" && typeof value === "string" && userShape.test(value)) activeUser = value
      if (name === "x-authsome-route" && typeof value === "string" && routeShape.test(value)) route = value
    } else if (typeof value === "string") headers.push(name, value)
    else for (const each of value) headers.push(name, each)
  }
  const { connection } = answer
  return {
    headers: typeof connection === "string" ? withoutNamed(headers, connection) : headers,
    activeUser,
    route,
  }
}
