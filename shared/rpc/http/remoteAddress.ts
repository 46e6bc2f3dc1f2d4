/** Where a request came from. */
import type { IncomingMessage } from "node:http"

/**
 * The address at the other end of the connection. `X-Forwarded-For` is not believed here: only the program behind a
 * proxy of ours knows that the header is that proxy's.
 */
export const remoteAddressOf = (request: IncomingMessage): string => request.socket.remoteAddress ?? ""
