/** Mutations of protobuf: tags, wire types, varints, lengths, groups and nesting (protobuf.dev, "Encoding"). */
import type { Random } from "../Random.ts"
import { mutateBytes, oddText } from "./bytes.ts"

/** A varint as it must be written. */
const varint = (value: number): Buffer => {
  const bytes: Array<number> = []
  let left = value >>> 0
  while (left > 0x7f) {
    bytes.push((left & 0x7f) | 0x80)
    left >>>= 7
  }
  return Buffer.from([...bytes, left])
}

const tag = (field: number, wireType: number): Buffer => varint((field << 3) | wireType)

const delimited = (field: number, content: Buffer): Buffer =>
  Buffer.concat([tag(field, 2), varint(content.length), content])

/** Item within item through the map "parts" (field 8), as deep as asked. */
const nested = (depth: number): Buffer => {
  let item = delimited(2, Buffer.from("x"))
  for (let left = depth; left > 0; left--)
    item = delimited(8, Buffer.concat([delimited(1, Buffer.from("k")), delimited(2, item)]))
  return delimited(1, item)
}

/** The message with one thing wrong with it, or odd about it. */
export const mutateProtobuf = (random: Random, message: Buffer): Buffer => {
  const field = 1 + random.int(12)
  const more = (...parts: ReadonlyArray<Buffer>) => Buffer.concat([message, ...parts])
  switch (random.int(15)) {
    case 0:
      return more(tag(field, random.int(8)), random.bytes(random.int(12)))
    case 1:
      return more(tag(field, 0), Buffer.alloc(9 + random.int(4), 0xff), Buffer.from([random.int(256)]))
    case 2:
      return more(tag(field, 2), Buffer.from([0xff, 0xff, 0xff, 0xff, random.int(16)]), random.bytes(4))
    case 3:
      return nested(random.pick([20, 49, 50, 51, 98, 99, 100, 101, 500]))
    case 4:
      return Buffer.alloc(1 + random.int(20_000), 0x0b) // groups that begin and never end
    case 5:
      return more(tag(field, 4))
    case 6:
      return more(delimited(field, Buffer.from([0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xff])))
    case 7:
      return more(tag(0, random.int(6)), random.bytes(4))
    case 8:
      return more(varint(0xfffffff8), random.bytes(4))
    case 9:
      return delimited(
        1,
        Buffer.concat([
          delimited(2, Buffer.from(oddText(random))),
          delimited(random.int(12), Buffer.from(oddText(random))),
        ]),
      )
    case 10: {
      const key = delimited(1, Buffer.from(oddText(random)))
      const value = delimited(2, delimited(2, Buffer.from("x")))
      return delimited(1, Buffer.concat([delimited(2, Buffer.from("x")), delimited(8, Buffer.concat([key, value]))]))
    }
    case 11:
      // created_at (field 7) far beyond what a timestamp may be
      return delimited(
        1,
        Buffer.concat([
          delimited(2, Buffer.from("x")),
          delimited(7, Buffer.concat([tag(1, 0), random.bytes(8), Buffer.from([1])])),
        ]),
      )
    case 12:
      return delimited(
        1,
        Buffer.concat([delimited(2, Buffer.from("x")), tag(3, 0), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])]),
      )
    case 13: {
      // as many rules broken as fit, or one whose place has a long name
      const many = Array.from({ length: random.pick([10, 300, 3000]) }, () =>
        delimited(5, Buffer.from("longer than ten")),
      )
      const long = delimited(
        8,
        Buffer.concat([
          delimited(1, Buffer.alloc(random.pick([100, 9000, 100_000]), 0x6b)),
          delimited(2, Buffer.alloc(0)),
        ]),
      )
      return delimited(1, Buffer.concat([delimited(2, Buffer.from("x")), ...(random.oneIn(2) ? many : [long])]))
    }
    default:
      return mutateBytes(random, message)
  }
}

/** The message in an envelope of gRPC, gRPC-Web or Connect streaming: flags, length, content. */
export const envelope = (message: Buffer, flags = 0, length = message.length): Buffer => {
  const head = Buffer.alloc(5)
  head[0] = flags
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, message])
}

/** An envelope, or several, with something wrong about them. */
export const mutateEnvelope = (random: Random, message: Buffer): Buffer => {
  const good = envelope(message)
  switch (random.int(9)) {
    case 0:
      return envelope(message, random.int(256))
    case 1:
      return envelope(message, 1)
    case 2:
      return envelope(message, 0, random.pick([0, 1, message.length + 1, 5_000_000, 0x7fffffff, 0xffffffff]))
    case 3:
      return Buffer.concat([good, good])
    case 4:
      return Buffer.alloc(random.int(5))
    case 5:
      return Buffer.concat([good, random.bytes(1 + random.int(6))])
    case 6:
      return Buffer.concat([
        good,
        envelope(Buffer.from(random.pick(["", "{}", "grpc-status: 0\r\n"])), random.pick([2, 128, 129])),
      ])
    case 7:
      return envelope(Buffer.alloc(random.pick([0, 100_000])))
    default:
      return mutateBytes(random, good)
  }
}
