/**
 * One port for HTTP/2 (gRPC) and HTTP/1.1. In cleartext they are told apart by the first bytes of a connection: every
 * HTTP/2 client starts with the same preface (RFC 9113, section 3.4). Over TLS both sides agree on one (ALPN).
 */
import * as http from "node:http"
import * as http2 from "node:http2"
import * as net from "node:net"
import * as tls from "node:tls"
import type { Certificates } from "../Certificates.ts"
import { limitRequest, limitSession, type Patience, patience } from "./Patience.ts"

export type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => void

export interface Handlers {
  /** HTTP/1.1, and what `stream` leaves. */
  readonly request: Listener
  /** Raw HTTP/2 streams; answers false to leave one to `request`. Absent: the port speaks HTTP/1.1 only. */
  readonly stream?: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => boolean
  /** Present: only peers with a certificate of the mesh get in. */
  readonly certificates?: Certificates | undefined
}

export interface OnePort {
  readonly server: net.Server
  /** From now on every HTTP/1.1 answer asks its client to leave; nothing else changes yet. */
  readonly drain: () => void
  /** Stops accepting, lets what runs finish within the grace period, then cuts what is left. */
  readonly close: (graceMs: number) => Promise<void>
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n")
export const { requestMs } = patience
const maxHeaderBytes = 16 * 1024
/** After so long without a byte the kernel asks whether the other end is still there. Milliseconds. */
const sockets = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }

/** More than `maxConnections` at the same time are refused: what is left of the process's file descriptors is its own. */
export const onePort = (handlers: Handlers, maxConnections: number, limits: Patience = patience): OnePort => {
  let draining = false
  const request: Listener = (incoming, response) => {
    // Whoever reads the request learns of its end by "close". A listener that leaves early would let this end the process.
    incoming.on("error", ignore)
    if (draining && incoming.httpVersionMajor === 1) response.setHeader("connection", "close")
    handlers.request(incoming, response)
  }
  const http1 = http.createServer(
    {
      keepAliveTimeout: limits.keepAliveMs,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      // Node looks for those that are late once in this time; half a minute unless said.
      connectionsCheckingInterval: Math.min(30_000, limits.headersMs),
      maxHeaderSize: maxHeaderBytes,
    },
    request,
  )
  http1.timeout = limits.stillMs
  // Only a server that "listens" starts its checks of headersTimeout and requestTimeout, and knows its idle connections.
  http1.emit("listening")
  const http2Server = handlers.stream === undefined ? undefined : serveHttp2(handlers.stream, request, limits)
  const open = new Set<net.Socket>()
  const known = (socket: net.Socket): void => {
    open.add(socket)
    socket.once("close", () => open.delete(socket))
  }
  const hand = (socket: net.Socket, speaksHttp2: boolean): void => {
    if (speaksHttp2 && http2Server !== undefined) http2Server.take(socket)
    else http1.emit("connection", socket)
  }
  const server =
    handlers.certificates === undefined
      ? cleartext(known, hand, limits)
      : encrypted(handlers.certificates, known, hand, limits)
  server.maxConnections = maxConnections

  return {
    server,
    drain: () => {
      draining = true
    },
    close: (graceMs) =>
      new Promise((resolve) => {
        server.close()
        http2Server?.goAway()
        http1.closeIdleConnections()
        const idle = setInterval(() => {
          http1.closeIdleConnections()
          if (open.size === 0) finish()
        }, 20)
        const limit = setTimeout(() => finish(), graceMs)
        const finish = () => {
          clearInterval(idle)
          clearTimeout(limit)
          for (const socket of open) socket.destroy()
          http1.close()
          resolve()
        }
      }),
  }
}

const ignore = (): void => {}

type Known = (socket: net.Socket) => void
type Hand = (socket: net.Socket, speaksHttp2: boolean) => void

const cleartext = (known: Known, hand: Hand, { silenceMs }: Patience): net.Server =>
  net.createServer(sockets, (socket) => {
    known(socket)
    const cut = () => socket.destroy()
    const timer = setTimeout(cut, silenceMs).unref()
    const sniff = () => {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      clearTimeout(timer)
      socket.off("readable", sniff)
      socket.off("error", cut)
      socket.unshift(chunk)
      const length = Math.min(chunk.length, preface.length)
      hand(socket, chunk.subarray(0, length).equals(preface.subarray(0, length)))
    }
    socket.on("error", cut)
    socket.on("readable", sniff)
    socket.once("close", () => clearTimeout(timer))
  })

const encrypted = (certificates: Certificates, known: Known, hand: Hand, { headersMs }: Patience): net.Server => {
  const settings = () => ({
    ...certificates.current(),
    minVersion: "TLSv1.3" as const,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const server = tls.createServer(
    { ...settings(), ...sockets, ALPNProtocols: ["h2", "http/1.1"], handshakeTimeout: headersMs },
    (socket) => hand(socket, socket.alpnProtocol === "h2"),
  )
  // Before the handshake, so that a connection that never finishes one is cut at the end too.
  server.on("connection", known)
  const forget = certificates.onReplaced(() => server.setSecureContext(settings()))
  server.once("close", forget)
  return server
}

/**
 * Gives up what is left of a request that is answered (RFC 9113, section 8.1): nobody will read it. Not at once, because a
 * reset overtakes the answer that was written in the same turn.
 */
export const giveUpRest = (stream: http2.ServerHttp2Stream): void => {
  setImmediate(() => {
    if (stream.readableEnded || stream.closed) return
    stream.close(http2.constants.NGHTTP2_NO_ERROR)
    // Closed is not gone: bytes that came and that nobody reads would keep the stream, and with it the connection.
    stream.destroy()
  })
}

const serveHttp2 = (onStream: NonNullable<Handlers["stream"]>, onRequest: Listener, limits: Patience) => {
  const server = http2.createServer({
    settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024, maxHeaderListSize: maxHeaderBytes },
  })
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on("session", (session) => {
    sessions.add(session)
    limitSession(session, limits)
    session.once("close", () => sessions.delete(session))
  })
  server.on("stream", (stream: http2.ServerHttp2Stream, headers, _flags, rawHeaders) => {
    if (onStream(stream, headers)) return
    limitRequest(stream, limits)
    const request = new http2.Http2ServerRequest(stream, headers, {}, rawHeaders)
    const response = new http2.Http2ServerResponse(stream)
    // The listener of the response object, which was there first, sends the trailers.
    stream.once("wantTrailers", () => giveUpRest(stream))
    // Node's compatibility objects speak the HTTP/1.1 interface that listeners take.
    onRequest(request as unknown as http.IncomingMessage, response as unknown as http.ServerResponse)
  })
  return {
    take: (socket: net.Socket) => server.emit("connection", socket),
    goAway: () => {
      for (const session of sessions) session.close()
    },
  }
}
