/** One thing that the fuzz run does to the server, and how it is written down for whoever must repeat it. */

export const protocols = ["grpc", "grpc-web", "connect", "rest", "http1"] as const
export type Protocol = (typeof protocols)[number]

/** The face of the server that a case goes to. */
export type Face = "outside" | "mesh"

export interface Request {
  readonly method: string
  readonly target: string
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: Buffer
}

/** A well-framed HTTP/1.1 request, whatever it says: it must be answered, or its connection closed. */
export interface Http1Case {
  readonly carrier: "http1"
  readonly face: Face
  readonly request: Request
  readonly framing: "length" | "chunked"
}

/** A request on an HTTP/2 connection that is in order. A request that is cut needs no answer. */
export interface Http2Case {
  readonly carrier: "http2"
  readonly face: Face
  readonly request: Request
  readonly cut: "no" | "reset"
}

/** Bytes on a connection of their own; after "end" and "wait" the server must close, after "reset" nothing is left. */
export interface BytesCase {
  readonly carrier: "bytes"
  readonly face: Face
  readonly chunks: ReadonlyArray<Buffer>
  readonly last: "end" | "reset" | "wait"
}

export type Case = Http1Case | Http2Case | BytesCase

/** What came back. */
export interface Answer {
  /** 0: none, which is in order where the connection was closed. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The request was never sent: Node's own client refuses to write it. */
  readonly unsent?: true
  /** Neither answered nor closed in time. */
  readonly hung?: true
  /** What went before on the same connection, where it hung. */
  readonly after?: Case | undefined
}

/** Whether the answer may be a stream without an end: after this many bytes of it the caller has seen enough. */
export const enough = ({ target }: Request): number => (/\/count/i.test(target) ? 100 : Number.POSITIVE_INFINITY)

/** The bytes of a request on an HTTP/1.1 connection. */
export const http1Bytes = ({ method, target, headers, body }: Request, framing: Http1Case["framing"]): Buffer => {
  const chunked = framing === "chunked"
  const all = [...headers, chunked ? ["transfer-encoding", "chunked"] : ["content-length", String(body.length)]]
  const head = `${method} ${target} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`
  return Buffer.concat([Buffer.from(head, "latin1"), chunked ? inChunks(body) : body])
}

const inChunks = (body: Buffer): Buffer => {
  const half = body.length >> 1
  const parts = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0)
  const written = parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")])
  return Buffer.concat([...written, Buffer.from("0\r\n\r\n")])
}

/** The case as text: the bytes in hex, and what they say where they are text. */
export const describeCase = (each: Case): string => {
  switch (each.carrier) {
    case "http1": {
      const bytes = http1Bytes(each.request, each.framing)
      return `HTTP/1.1 to the ${each.face} face\n  ${line(each.request)}\n  hex ${bytes.toString("hex")}`
    }
    case "http2": {
      const { headers, body } = each.request
      const cut = each.cut === "reset" ? ", then RST_STREAM" : ""
      return `HTTP/2 to the ${each.face} face${cut}\n  ${line(each.request)}\n  headers ${JSON.stringify(headers)}\n  body hex ${body.toString("hex")}`
    }
    case "bytes": {
      const bytes = Buffer.concat(each.chunks)
      return `bytes to the ${each.face} face, then ${each.last}\n  text ${JSON.stringify(bytes.toString("latin1").slice(0, 300))}\n  hex ${bytes.toString("hex")}`
    }
  }
}

const line = ({ method, target, body }: Request): string =>
  `${JSON.stringify(`${method} ${target}`).slice(1, -1)} (body of ${body.length} bytes)`
