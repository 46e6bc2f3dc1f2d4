/** What connect-es needs before it may see a request, and what it gets wrong in its answers to malformed ones. */
import { Code, ConnectError, createContextKey, type HandlerContext } from "@connectrpc/connect"
import { sendable } from "../status.ts"
import { headerView } from "./headers.ts"
import type { Listener } from "./onePort.ts"
import { connectTimeout, grpcTimeout } from "./timeout.ts"

type Request = Parameters<Listener>[0]
type Response = Parameters<Listener>[1]

/** Whether connect-es can make a URL of the request: it throws where Host or :authority is missing or none (RFC 9110, 7.2). */
export const namesAuthority = (request: Request): boolean =>
  URL.canParse(request.url ?? "", `http://${request.headers[":authority"] ?? request.headers.host ?? ""}`)

/** The longest time that a timer of Node's measures, 24 days; connect-es gives it the caller's time, and longer ones end at once. */
const longestMs = 2 ** 31 - 1

/** Shortens what the caller allows to what can be measured. */
export const boundTimeouts = ({ headers }: Request): void => {
  const [grpc, connect] = [
    grpcTimeout(headerView(headers)("grpc-timeout")),
    connectTimeout(headerView(headers)("connect-timeout-ms")),
  ]
  if (typeof grpc === "number" && grpc > longestMs) headers["grpc-timeout"] = `${Math.floor(longestMs / 1000)}S`
  if (typeof connect === "number" && connect > longestMs) headers["connect-timeout-ms"] = String(longestMs)
}

/**
 * connect-es stops reading where it refuses, and takes the request down with it: on a connection that is kept, what is left
 * of the body would hold back the next request for ever. So the rest is read once the answer is out.
 */
export const readToEnd = (request: Request, response: Response): void => {
  const iterator = () => request.iterator({ destroyOnReturn: false })
  Object.defineProperty(request, Symbol.asyncIterator, { value: iterator })
  response.once("finish", () => request.removeAllListeners("readable").resume())
}

/** Set once the handler of a call has begun. */
export const begun = createContextKey(false)

/**
 * connect-es aborts a call with its error right before it writes the error down: there it can be put right. Until a handler
 * has begun only the request can be at fault, but connect-es takes a message that it cannot read for a failure of its own;
 * only a message compressed with no encoding is INTERNAL by the protocols' own documents. And what it quotes of a message
 * may be half a character, which no header can hold: it would throw, and never answer.
 */
export const correctErrors = (context: HandlerContext & { abort?: (reason?: unknown) => void }): void => {
  const { abort, values } = context
  context.abort = (reason) => {
    if (reason instanceof ConnectError) {
      const { code, rawMessage } = reason
      const blamesServer = code === Code.Internal && !rawMessage.startsWith("received compressed envelope")
      Object.assign(reason, {
        code: blamesServer && !values.get(begun) ? Code.InvalidArgument : code,
        rawMessage: sendable(rawMessage),
      })
    }
    abort?.(reason)
  }
}
