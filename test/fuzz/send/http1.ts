/** Raw HTTP/1.1 on sockets of our own: no client library stands between a mutation and the wire. */
import * as net from "node:net"
import { type Answer, type BytesCase, enough, type Http1Case, http1Bytes } from "../Case.ts"

const host = "127.0.0.1"
const none: Answer = { status: 0, headers: {}, body: Buffer.alloc(0) }

export interface Http1Sender {
  readonly send: (each: Http1Case, port: number) => Promise<Answer>
  readonly close: () => void
}

/** Sends requests on connections that are kept and used again as long as the server keeps them. `limitMs`: when it hangs. */
export const http1Sender = (limitMs: number): Http1Sender => {
  const idle = new Map<number, Array<net.Socket>>()
  const last = new WeakMap<net.Socket, Http1Case>()
  const take = (port: number): net.Socket => {
    for (;;) {
      const socket = idle.get(port)?.pop()
      if (socket === undefined) return net.connect({ port, host, noDelay: true })
      if (!socket.destroyed && socket.writable && socket.readable) return socket
      socket.destroy()
    }
  }
  return {
    send: (each, port) =>
      new Promise((resolve) => {
        const socket = take(port)
        let received: Buffer = Buffer.alloc(0)
        const finish = (answer: Answer, keep: boolean) => {
          clearTimeout(timer)
          socket.removeAllListeners("data").removeAllListeners("close").removeAllListeners("error")
          socket.on("error", () => socket.destroy())
          last.set(socket, each)
          if (keep) idle.set(port, [...(idle.get(port) ?? []), socket])
          else socket.destroy()
          resolve(answer)
        }
        const timer = setTimeout(() => finish({ ...none, hung: true, after: last.get(socket) }, false), limitMs)
        socket.on("data", (chunk: Buffer) => {
          received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
          const parsed = parseAnswer(received, each.request.method === "HEAD")
          if (parsed === undefined) {
            const begun = received.length - received.indexOf("\r\n\r\n") > enough(each.request)
            return begun ? finish(answerSoFar(received), false) : undefined
          }
          const keeps = parsed.answer.headers["connection"] !== "close" && parsed.rest === 0
          finish(parsed.answer, keeps && !oddRequest(each))
        })
        socket.on("error", () => {})
        socket.on("close", () => finish(answerSoFar(received), false))
        socket.write(http1Bytes(each.request, each.framing))
      }),
    close: () => {
      for (const sockets of idle.values()) for (const socket of sockets) socket.destroy()
      idle.clear()
    },
  }
}

/** The head of an answer whose body did not come to its end. */
const answerSoFar = (bytes: Buffer): Answer => parseAnswer(bytes, true)?.answer ?? none

/** After these the connection may be anything: another protocol, a tunnel, or at its end. */
const oddRequest = ({ request }: Http1Case): boolean =>
  request.method === "CONNECT" || request.headers.some(([name]) => name === "expect" || name === "upgrade")

/** Sends bytes on a connection of their own. */
export const sendBytes = ({ chunks, last }: BytesCase, port: number, limitMs: number): Promise<Answer> =>
  new Promise((resolve) => {
    const socket = net.connect({ port, host, noDelay: true, allowHalfOpen: true })
    let received: Buffer = Buffer.alloc(0)
    const finish = (answer: Answer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => finish({ ...none, hung: true }), limitMs)
    socket.on("data", (chunk: Buffer) => {
      if (received.length < 100_000) received = Buffer.concat([received, chunk])
    })
    socket.on("error", () => {})
    socket.on("end", () => socket.end())
    socket.on("close", () => finish(worst(received)))
    socket.on("connect", () => {
      for (const chunk of chunks) socket.write(chunk)
      if (last === "end") socket.end()
      if (last === "reset") {
        // Once the bytes are out: the reset must find the server at work.
        socket.write("", () => setImmediate(() => (socket.destroyed ? undefined : socket.resetAndDestroy())))
      }
    })
  })

/** Of several pipelined answers the one with the highest status. */
const worst = (bytes: Buffer): Answer => {
  let found = none
  for (let rest = bytes; rest.length > 0; ) {
    // A body of no known length ends with the connection.
    const parsed = parseAnswer(rest, false) ?? parseAnswer(rest, true)
    if (parsed === undefined) return found
    if (parsed.answer.status > found.status) found = parsed.answer
    rest = rest.subarray(rest.length - parsed.rest)
  }
  return found
}

interface Parsed {
  readonly answer: Answer
  /** How many bytes came after it. */
  readonly rest: number
}

/** The first final answer in `bytes`; undefined as long as it is not complete. */
export const parseAnswer = (bytes: Buffer, bodiless: boolean): Parsed | undefined => {
  const end = bytes.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const [statusLine = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n")
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN)
  if (Number.isNaN(status)) return undefined
  if (status < 200 && status !== 101) return parseAnswer(bytes.subarray(end + 4), bodiless)
  const headers = Object.fromEntries(
    lines.map((each) => {
      const colon = each.indexOf(":")
      return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()]
    }),
  )
  const after = bytes.subarray(end + 4)
  const done = (body: Buffer, used: number): Parsed => ({
    answer: { status, headers, body },
    rest: after.length - used,
  })
  if (bodiless || status === 204 || status === 304) return done(Buffer.alloc(0), 0)
  const length = headers["content-length"]
  if (length !== undefined) {
    return after.length < Number(length) ? undefined : done(after.subarray(0, Number(length)), Number(length))
  }
  if (headers["transfer-encoding"] !== "chunked") return undefined
  return unchunk(after, done)
}

const unchunk = (bytes: Buffer, done: (body: Buffer, used: number) => Parsed): Parsed | undefined => {
  const parts: Array<Buffer> = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at)
    if (end === -1) return undefined
    const size = Number.parseInt(bytes.subarray(at, end).toString("latin1"), 16)
    at = end + 2
    if (size === 0) {
      // Trailer fields, if any, end with an empty line.
      if (bytes.subarray(at, at + 2).toString() === "\r\n") return done(Buffer.concat(parts), at + 2)
      const last = bytes.indexOf("\r\n\r\n", at)
      return last === -1 ? undefined : done(Buffer.concat(parts), last + 4)
    }
    if (bytes.length < at + size + 2) return undefined
    parts.push(bytes.subarray(at, at + size))
    at += size + 2
  }
}
