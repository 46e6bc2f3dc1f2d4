/** How long a server waits for whoever is at the other end of a connection, before it takes it for gone or hostile. */
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2"

/** All in milliseconds. */
export interface Patience {
  /** A new connection may stay silent. */
  readonly silenceMs: number
  /** The head of a request may take, and the settings with which an HTTP/2 connection begins (RFC 9113, section 3.4). */
  readonly headersMs: number
  /** A whole request may take. */
  readonly requestMs: number
  /** A connection may rest between two requests of HTTP/1.1. */
  readonly keepAliveMs: number
  /** Nothing may move on a connection: no call lasts so long, so nobody waits there who reads and answers. */
  readonly stillMs: number
}

export const patience: Patience = {
  silenceMs: 30_000,
  headersMs: 15_000,
  requestMs: 60_000,
  // Longer than the idle time-out of common load balancers, so that they hang up first.
  keepAliveMs: 65_000,
  stillMs: 20 * 60_000,
}

/** Node has no such limits for HTTP/2: a session that does not begin, or does not go on, would be kept for ever. */
export const limitSession = (session: ServerHttp2Session, { headersMs, stillMs }: Patience): void => {
  const cut = () => session.destroy()
  let timer = setTimeout(cut, headersMs).unref()
  session.once("remoteSettings", () => clearTimeout(timer))
  session.setTimeout(stillMs, () => {
    // GOAWAY first, so that a call that is on its way knows that it was not processed.
    session.close()
    clearTimeout(timer)
    timer = setTimeout(cut, headersMs).unref()
  })
  session.once("close", () => clearTimeout(timer))
}

/** Cuts a request that is sent too slowly; the answer may take as long as it wants. */
export const limitRequest = (stream: ServerHttp2Stream, { requestMs }: Patience): void => {
  const timer = setTimeout(() => {
    if (!stream.destroyed && stream.state.remoteClose !== 1) stream.close(constants.NGHTTP2_CANCEL)
  }, requestMs).unref()
  stream.once("close", () => clearTimeout(timer))
}
