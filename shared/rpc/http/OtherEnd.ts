/** Who is at the other end of a connection. */

import type { IncomingMessage } from "node:http"
import type { Http2ServerRequest, Http2Session } from "node:http2"
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"
import { peerNameOf } from "../Certificates.ts"

export interface OtherEnd {
  readonly remoteAddress: string
  /** The program that its certificate names. */
  readonly certifiedPeer: string | undefined
}

/** That of a connection which is gone. */
export const nobodyKnown: OtherEnd = { remoteAddress: "", certifiedPeer: undefined }

const found = new WeakMap<Socket | Http2Session, OtherEnd>()

/** Finds out once for each connection. */
export const otherEndOf = (connection: Socket | Http2Session | undefined): OtherEnd => {
  if (connection === undefined) return nobodyKnown
  const known = found.get(connection)
  if (known !== undefined) return known
  const socket = "socket" in connection ? connection.socket : connection
  const end = {
    remoteAddress: socket.remoteAddress ?? "",
    certifiedPeer: socket instanceof TLSSocket ? peerNameOf(socket) : undefined,
  }
  found.set(connection, end)
  return end
}

/** The connection that a request came on. */
export const connectionOf = (request: IncomingMessage | Http2ServerRequest): Socket | Http2Session | undefined =>
  "stream" in request ? request.stream.session : request.socket
