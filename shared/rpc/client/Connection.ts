/**
 * One HTTP/2 connection of an endpoint, from the first packet until its last call is done. It knows how many calls it
 * takes, notices a peer that fell silent, and tells after a failure whether a call can have reached the peer's code.
 */
import * as http2 from "node:http2"
import * as net from "node:net"
import * as tls from "node:tls"
import type { Address } from "./Resolver.ts"

/** What Node's TLS needs to know us and to check the peer; read for each new connection, so files may be replaced. */
export type TlsMaterial = Pick<tls.ConnectionOptions, "ca" | "cert" | "key" | "servername" | "checkServerIdentity">

export interface ConnectionSettings {
  /** How long a connection may take to be made, TLS included. */
  readonly connectTimeoutMs: number
  /** A connection in use is pinged so often, and cut where the answer takes longer than the time-out. */
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  /** A connection is replaced when it is about so old, so that load spreads over what has been added since. */
  readonly maxAgeMs: number
}

export interface Peer extends Address {
  readonly scheme: "http" | "https"
  /** The name to check the peer's certificate against. */
  readonly name: string
  readonly tls: (() => TlsMaterial) | undefined
}

/** What becomes of a connection; each is said once, `ended` always. */
export interface ConnectionEvents {
  readonly ready: (connection: Connection) => void
  /** It takes no new calls any more; those that run go on. */
  readonly leaving: (connection: Connection) => void
  readonly ended: (connection: Connection) => void
}

/**
 * What a failed call did on its way: it was never sent, since no connection could be made; the peer refused it unseen
 * (RFC 9113, sections 6.8 and 8.7); or it was lost, and may or may not have been done.
 */
export type Fate = "unsent" | "refused" | "lost"

const streamWindow = 1024 * 1024
const sessionWindow = 8 * 1024 * 1024
/** What a timer of Node can wait. */
const longestTimer = 2 ** 31 - 1

export class Connection {
  /** The calls that run on it. */
  calls = 0
  /** New calls are taken while fewer than so many run. */
  room: number
  /** It is older than it should be: it goes on until another takes its place. */
  aged = false
  /** The peer has spoken HTTP/2: calls may be sent. Before, nobody could tell whether they arrive anywhere. */
  made = false
  /** It ended with a call on it, by an error, or without ever having been made. */
  broken = false

  readonly #socket: net.Socket
  readonly #session: http2.ClientHttp2Session
  readonly #settings: ConnectionSettings
  readonly #events: ConnectionEvents
  #reason: string | undefined
  #lastSeen = Number.POSITIVE_INFINITY
  #limit = Number.POSITIVE_INFINITY
  readonly #spread: number
  #leaving = false
  #ended = false
  /** Whether there was a call since the last look, and whether there was none for so long that the peer may be gone. */
  #used = true
  #stale = false
  /** Runs out when the peer is silent for too long, at the start or after a ping. */
  #patience: NodeJS.Timeout | undefined
  #pinging: NodeJS.Timeout | undefined
  #ageing: NodeJS.Timeout | undefined
  readonly #settling: Array<() => void> = []
  readonly #waiting = new Set<http2.ClientHttp2Stream>()

  /**
   * `room` is how many calls the peer will probably take; `spread` is 0 to 1, so that no two connections grow old at the
   * same time.
   */
  constructor(peer: Peer, settings: ConnectionSettings, room: number, spread: number, events: ConnectionEvents) {
    this.room = room
    this.#settings = settings
    this.#events = events
    this.#spread = spread
    const socket = dial(peer)
    this.#socket = socket
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#reason ??= error.code ?? error.message
    })
    // Nobody stays alive for a connection alone.
    socket.unref()
    const session = http2.connect(`${peer.scheme}://localhost`, {
      createConnection: () => socket,
      settings: { initialWindowSize: streamWindow, enablePush: false },
    })
    this.#session = session
    session.on("remoteSettings", ({ maxConcurrentStreams = Number.POSITIVE_INFINITY }) => {
      this.#limit = maxConcurrentStreams
      if (!this.#leaving && !this.aged) this.room = maxConcurrentStreams
      if (!this.made) this.#begin()
    })
    session.on("goaway", (code, lastStreamId) => this.#goneAway(code, lastStreamId))
    session.on("error", (error: NodeJS.ErrnoException) => {
      this.#reason ??= error.code ?? error.message
      this.broken = true
    })
    session.once("close", () => this.#end())
    this.#patience = setTimeout(() => this.cut("no connection in time"), settings.connectTimeoutMs).unref()
  }

  /** Why it broke, in a few words without an address. */
  get reason(): string {
    return this.#reason ?? "connection lost"
  }

  /** Calls back when the connection is made, or when it is clear that it never will be: `made` says which. */
  whenSettled(settled: () => void): void {
    if (this.made || this.#ended) settled()
    else this.#settling.push(settled)
  }

  /** A call will go here; say `done` when it is over, whatever became of it. */
  begun(): void {
    this.calls += 1
    this.#used = true
  }

  /** Sends the head of a call. */
  request(headers: http2.OutgoingHttpHeaders | ReadonlyArray<string>): http2.ClientHttp2Stream {
    if (this.#stale) {
      this.#stale = false
      this.#check()
    }
    const stream = this.#session.request(headers)
    if (this.calls > this.#limit) this.#wait(stream)
    return stream
  }

  done(): void {
    this.calls -= 1
    if (this.#leaving && this.calls === 0) this.#session.close()
  }

  /** What became of a call whose stream closed without an answer. */
  fate(stream: http2.ClientHttp2Stream | undefined): Fate {
    if (stream === undefined) return "unsent"
    const fate = this.#fate(stream)
    if (this.#session.closed) this.leave()
    if (this.#session.destroyed) {
      if (fate === "lost") this.broken = true
      this.#end() // the session itself says so a little later: too late for a call that is repeated at once
    }
    return fate
  }

  #fate({ id, rstCode }: http2.ClientHttp2Stream): Fate {
    if (id === undefined) return "refused" // by our own session, which has ended since
    return rstCode === http2.constants.NGHTTP2_REFUSED_STREAM || id > this.#lastSeen ? "refused" : "lost"
  }

  /** Takes no new calls, and closes when the last one is done. */
  leave(): void {
    if (this.#leaving) return
    this.#leaving = true
    this.room = 0
    this.#events.leaving(this)
    if (!this.made) this.cut("closed", false)
    // A session that is closing sends no pings: it is asked to close when nobody waits for anything any more.
    else if (this.calls === 0) this.#session.close()
  }

  /** Closes at once, with the calls that run. */
  cut(reason: string, broken = true): void {
    this.#reason ??= reason
    this.broken = broken
    this.#session.destroy()
    // The session would wait until everything is written, which a silent peer never lets happen.
    this.#socket.destroy()
    this.#end()
  }

  #begin(): void {
    if (this.#ended) return
    this.made = true
    this.#calm()
    this.#session.setLocalWindowSize(sessionWindow)
    this.#pinging = setInterval(() => this.#look(), this.#settings.pingIntervalMs).unref()
    this.#age()
    this.#events.ready(this)
    this.#settle()
  }

  #settle(): void {
    for (const settled of this.#settling.splice(0)) settled()
  }

  /** Nothing could take its place: it goes on for another while. */
  renew(): void {
    if (this.#leaving || this.#ended) return
    this.aged = false
    this.room = this.#limit
    this.#age()
  }

  /** A connection that nobody uses is left alone: many servers take pings without calls for abuse. */
  #look(): void {
    if (this.#used || this.calls > 0) this.#check()
    else this.#stale = true
    this.#used = false
  }

  #check(): void {
    if (this.#patience !== undefined || this.#session.destroyed) return
    this.#patience = setTimeout(() => this.cut("no answer to a ping"), this.#settings.pingTimeoutMs).unref()
    this.#session.ping(() => this.#calm())
  }

  #calm(): void {
    clearTimeout(this.#patience)
    this.#patience = undefined
  }

  #age(): void {
    const millis = Math.min(longestTimer, this.#settings.maxAgeMs * (0.9 + 0.2 * this.#spread))
    this.#ageing = setTimeout(() => {
      if (this.calls === 0) return this.leave()
      this.aged = true
      this.room = 0
    }, millis).unref()
  }

  /** More calls than the peer lets run wait inside the session; a peer that goes away will never see them. */
  #wait(stream: http2.ClientHttp2Stream): void {
    this.#waiting.add(stream)
    stream.once("response", () => this.#waiting.delete(stream))
    stream.once("close", () => this.#waiting.delete(stream))
  }

  #goneAway(code: number, lastStreamId: number): void {
    this.#lastSeen = lastStreamId
    if (code !== http2.constants.NGHTTP2_NO_ERROR) this.#reason ??= `GOAWAY ${code}`
    if (!this.#leaving) {
      this.#leaving = true
      this.room = 0
      this.#events.leaving(this)
    }
    for (const stream of this.#waiting) if ((stream.id ?? 0) > lastStreamId) stream.destroy()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.room = 0
    if (!this.made && !this.#leaving) this.broken = true
    clearTimeout(this.#patience)
    clearInterval(this.#pinging)
    clearTimeout(this.#ageing)
    this.#events.ended(this)
    this.#settle()
  }
}

const dial = (peer: Peer): net.Socket => {
  const { scheme, host, port } = peer
  if (scheme === "http") return net.connect({ host, port, noDelay: true })
  try {
    const servername = net.isIP(peer.name) === 0 ? peer.name : ""
    return tls.connect({ servername, ...peer.tls?.(), host, port, ALPNProtocols: ["h2"] }).setNoDelay()
  } catch (cause) {
    // Certificates that cannot be used fail the connection, and with it its calls, as everything else does.
    const error = cause instanceof Error ? cause : new Error("the certificates cannot be used")
    return net.connect({ host: "unusable.invalid", port, lookup: (_name, _options, found) => found(error, "") })
  }
}
