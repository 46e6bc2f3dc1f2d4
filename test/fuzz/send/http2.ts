/** Requests on HTTP/2 connections that are in order, by Node's own client. */
import * as http2 from "node:http2"
import { type Answer, enough, type Http2Case } from "../Case.ts"

export interface Http2Sender {
  readonly send: (each: Http2Case, port: number) => Promise<Answer>
  readonly close: () => void
}

const none: Answer = { status: 0, headers: {}, body: Buffer.alloc(0) }
const sessionCount = 4

/** `limitMs`: when a request counts as hanging. */
export const http2Sender = (limitMs: number): Http2Sender => {
  const sessions = new Map<number, http2.ClientHttp2Session>()
  let turn = 0
  const take = (port: number): http2.ClientHttp2Session => {
    turn = (turn + 1) % sessionCount
    const known = sessions.get(turn)
    if (known !== undefined && !known.closed && !known.destroyed) return known
    const session = http2.connect(`http://127.0.0.1:${port}`)
    session.on("error", () => session.destroy())
    sessions.set(turn, session)
    return session
  }
  return {
    send: (each, port) => exchange(take(port), each, limitMs),
    close: () => {
      for (const session of sessions.values()) session.destroy()
      sessions.clear()
    },
  }
}

const exchange = (session: http2.ClientHttp2Session, { request, cut }: Http2Case, limitMs: number): Promise<Answer> =>
  new Promise((resolve) => {
    const stream = open(session, request)
    if (stream === undefined) return resolve({ ...none, unsent: true })
    let headers: Record<string, string> = {}
    const chunks: Array<Buffer> = []
    const finish = (answer: Answer) => {
      clearTimeout(timer)
      resolve(answer)
    }
    const take = (more: http2.IncomingHttpHeaders) => {
      headers = {
        ...headers,
        ...Object.fromEntries(Object.entries(more).map(([name, value]) => [name, String(value)])),
      }
    }
    const timer = setTimeout(() => {
      finish({ ...none, hung: true })
      stream.close(http2.constants.NGHTTP2_CANCEL)
    }, limitMs)
    stream.on("response", take)
    stream.on("trailers", take)
    let size = 0
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > enough(request)) stream.close(http2.constants.NGHTTP2_CANCEL)
    })
    stream.on("error", () => {})
    stream.on("close", () => finish({ status: Number(headers[":status"] ?? 0), headers, body: Buffer.concat(chunks) }))
    if (cut === "reset") {
      stream.write(request.body.subarray(0, request.body.length >> 1))
      stream.close(http2.constants.NGHTTP2_CANCEL)
    } else stream.end(request.body)
  })

/** The stream, or undefined where Node's client refuses to write such headers. */
const open = (session: http2.ClientHttp2Session, { method, target, headers }: Http2Case["request"]) => {
  const all: Record<string, string | Array<string>> = Object.create(null)
  for (const [name, value] of headers) {
    const before = all[name]
    all[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  try {
    return session.request({ ...all, ":method": method, ":path": target })
  } catch {
    return undefined // its checks throw plain errors of many codes; all of them mean that nothing was sent
  }
}
