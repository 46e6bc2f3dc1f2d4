/** HTTP/2 connections that break the rules of RFC 9113, frame by frame. Floods are bounded. */
import type { BytesCase } from "../Case.ts"
import type { Random } from "../Random.ts"
import { envelope } from "./protobuf.ts"

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

/** One frame: length, type, flags, stream, payload (RFC 9113, section 4.1). */
const frame = (
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  length = payload.length,
) => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length & 0xffffff, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

/** Header fields as literals without indexing or Huffman coding (RFC 7541, section 6.2.2). */
const hpack = (fields: ReadonlyArray<readonly [string, string]>): Buffer =>
  Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), string(name), string(value)])))

const string = (text: string): Buffer => {
  const bytes = Buffer.from(text, "latin1")
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const rest: Array<number> = []
  let left = bytes.length - 127
  for (; left > 127; left >>= 7) rest.push((left & 127) | 128)
  return Buffer.concat([Buffer.from([127, ...rest, left]), bytes])
}

const fieldsOf = (path: string): ReadonlyArray<readonly [string, string]> => [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "fuzz"],
  [":path", path],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
]

/** A connection whose frames are wrong. */
export const breakFrames = (random: Random, path: string, message: Buffer): BytesCase => {
  const fields = fieldsOf(path)
  const block = hpack(fields)
  const call = [frame(1, 4, 1, block), frame(0, 1, 1, envelope(message))]
  const many = (count: number, each: (index: number) => Buffer) =>
    Array.from({ length: count }, (_, index) => each(index))
  const frames = (): ReadonlyArray<Buffer> => {
    switch (random.int(16)) {
      case 0:
        return many(1 + random.int(6), () =>
          frame(random.int(12), random.int(256), random.int(4), random.bytes(random.int(40))),
        )
      case 1:
        return [frame(1, 4, 1, random.bytes(random.int(60))), ...call]
      case 2:
        return [
          frame(1, 0, 1, block),
          ...many(random.pick([1, 50, 400]), () => frame(9, 0, 1, hpack([["x", "y".repeat(40)]]))),
        ]
      case 3:
        return [...many(random.pick([10, 2000]), () => frame(6, 0, 0, random.bytes(8))), ...call]
      case 4:
        return [...many(random.pick([10, 2000]), () => frame(4, 0, 0)), ...call]
      case 5:
        return many(random.pick([10, 500]), (index) =>
          Buffer.concat([frame(1, 4, 2 * index + 1, block), frame(3, 0, 2 * index + 1, Buffer.from([0, 0, 0, 8]))]),
        )
      case 6:
        return [frame(4, 0, 0, Buffer.from([0, random.int(8), 0xff, 0xff, 0xff, random.int(256)])), ...call]
      case 7:
        return [...call, frame(8, 0, random.pick([0, 1]), Buffer.from([random.pick([0, 0x7f]), 0xff, 0xff, 0xff]))]
      case 8:
        return [frame(0, 0, 1, envelope(message)), ...call]
      case 9:
        return [frame(1, 4, random.pick([0, 2, 0x7fffffff]), block), frame(0, 1, 1, envelope(message))]
      case 10:
        return [
          frame(
            1,
            4,
            1,
            hpack([
              ...fields,
              [
                random.pick(["UPPER", ":late", "connection", "x y", "", "x\u0000", "transfer-encoding"]),
                random.pick(["", "\r\n", "\u0000", "chunked"]),
              ],
            ]),
          ),
          frame(0, 1, 1, envelope(message)),
        ]
      case 11:
        return [frame(1, 4, 1, hpack(fields.filter(() => !random.oneIn(3)))), frame(0, 1, 1, envelope(message))]
      case 12:
        return [
          frame(1, 4, 1, block),
          frame(0, 0, 1, envelope(message)),
          frame(1, 5, 1, hpack([[random.pick(["trailer", ":path", "grpc-status"]), "0"]])),
        ]
      case 13:
        return [frame(1, 0x2c, 1, Buffer.concat([Buffer.from([random.int(256)]), block])), ...call]
      case 14:
        return [frame(0, 0, 1, Buffer.alloc(20), random.pick([0, 0xffffff, 16_385])), ...call]
      default:
        return [
          frame(1, 4, 1, block),
          ...many(random.pick([1, 300]), () => frame(0, 0, 1)),
          frame(7, 0, 0, random.bytes(8)),
          frame(5, 4, 1, random.bytes(8)),
        ]
    }
  }
  const settings = random.oneIn(8) ? [] : [frame(4, 0, 0)]
  const begin = random.oneIn(12) ? preface.subarray(0, random.int(preface.length)) : preface
  return {
    carrier: "bytes",
    face: "mesh",
    chunks: [begin, ...settings, ...frames()],
    last: random.pick(["end", "end", "reset"]),
  }
}
