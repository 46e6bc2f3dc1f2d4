/** HTTP/1.1 connections that break the rules of RFC 9112: lengths, chunks, pipelines, garbage, hang-ups. */
import { type BytesCase, enough, type Face, http1Bytes, type Request } from "../Case.ts"
import type { Random } from "../Random.ts"
import { mutateBytes } from "./bytes.ts"

const text = (value: string): Buffer => Buffer.from(value, "latin1")

/** A connection that carries the request, broken. */
export const breakFraming = (random: Random, request: Request, face: Face): BytesCase => {
  const bytes = (
    chunks: ReadonlyArray<Buffer>,
    last: BytesCase["last"] = random.pick(["end", "reset"]),
  ): BytesCase => ({
    carrier: "bytes",
    face,
    chunks,
    // A stream without an end is waited for in vain.
    last: last === "wait" && enough(request) < Number.POSITIVE_INFINITY ? "end" : last,
  })
  const { method, target, body } = request
  const whole = http1Bytes(request, random.pick(["length", "chunked"]))
  const head = (...lines: ReadonlyArray<string>) =>
    text(
      `${method} ${target} HTTP/1.1\r\n${[...request.headers.map(([name, value]) => `${name}: ${value}`), ...lines].join("\r\n")}\r\n\r\n`,
    )
  const cut = random.int(whole.length + 1)
  switch (random.int(14)) {
    case 0:
      return bytes([head(`content-length: ${body.length + 1 + random.int(1000)}`), body])
    case 1:
      return bytes([head(`content-length: ${random.pick([0, 1, body.length - 1])}`), body])
    case 2:
      return bytes([
        head(`content-length: ${random.pick(["-1", "x", "1e3", "0x10", "99999999999999999999", "1, 1", ""])}`),
        body,
      ])
    case 3:
      return bytes([head("content-length: 5", "transfer-encoding: chunked"), body])
    case 4:
      return bytes([
        head("transfer-encoding: chunked"),
        text(random.pick(["zz\r\n", "-1\r\n\r\n", "ffffffffffffffffff\r\n", "5;x=\u0000\r\nab", "\r\n", "0\r\nx"])),
        body,
      ])
    case 5:
      return bytes([
        head(`transfer-encoding: ${random.pick(["gzip", "chunked, chunked", "identity", "xchunked", " chunked"])}`),
        body,
      ])
    case 6:
      return bytes([whole.subarray(0, cut), whole.subarray(cut)], "reset")
    case 7:
      return bytes([whole.subarray(0, cut)])
    case 8: {
      const last = http1Bytes({ ...request, headers: [...request.headers, ["connection", "close"]] }, "length")
      return bytes([...Array.from({ length: 1 + random.int(8) }, () => whole), last], "wait")
    }
    case 9:
      return bytes([random.bytes(1 + random.int(400))])
    case 10:
      return bytes([
        text(
          `${random.pick(["GET", "G\u0000T", "", "PRI", "CONNECT", "POST"])} ${target} HTTP/${random.pick(["1.0", "0.9", "2.0", "9.9", "x"])}\r\n\r\n`,
        ),
      ])
    case 11:
      // HTTP/1.0 may leave the host out
      return bytes(
        [
          text(
            `${method} ${target} HTTP/1.0\r\ncontent-type: ${random.pick(["application/grpc-web+proto", "application/connect+json", "application/json", "application/grpc"])}\r\ncontent-length: ${body.length}\r\n\r\n`,
          ),
          body,
        ],
        "wait",
      )
    case 12:
      return bytes([
        head(
          `${random.pick(["upgrade: websocket\r\nconnection: upgrade", "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__", "connection: content-length, close", "trailer: x", "x:\u0001y", " folded", "no colon"])}`,
          `content-length: ${body.length}`,
        ),
        body,
      ])
    default:
      return bytes([mutateBytes(random, whole)])
  }
}
