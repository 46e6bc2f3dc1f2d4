/** What is read fast is what protobuf-es reads, for every message of the contract, for bytes that are damaged, and for none. */
import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { file_google_protobuf_descriptor } from "@bufbuild/protobuf/wkt"
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { describe, expect, it } from "vitest"
import { EchoRequestSchema, ItemSchema, MisbehaveResponseSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { decode } from "#shared/rpc/wire/decode.ts"
import { generated, messagesOf, type Random, randomFrom, randomMessage } from "./randomMessage.ts"

const messages = messagesOf([...generated, file_google_protobuf_descriptor, file_buf_validate_validate])

const answered = (read: () => Message): unknown => {
  try {
    return read()
  } catch (cause) {
    return cause instanceof Error ? cause.message : cause
  }
}

const expectTheSame = (desc: DescMessage, bytes: Uint8Array) => {
  const buffer = Buffer.from(bytes)
  expect(answered(() => decode(desc, buffer))).toStrictEqual(answered(() => fromBinary(desc, buffer)))
}

/** None of a message that cannot be written. */
const bytesOf = (desc: DescMessage, message: Message): Uint8Array => {
  try {
    return toBinary(desc, message)
  } catch {
    return new Uint8Array()
  }
}

/** The bytes with one of them changed, left out or put in, or cut off at one. */
const damaged = (bytes: Uint8Array, random: Random): Uint8Array => {
  const at = random(bytes.length + 1)
  const inserted = random(3) === 0 ? [] : [random(256)]
  const rest = random(4) === 0 ? [] : bytes.subarray(at + random(2))
  return Uint8Array.from([...bytes.subarray(0, at), ...inserted, ...rest])
}

/** Fields as a writer of another program might have them. */
const written = (write: (to: BinaryWriter) => BinaryWriter): Uint8Array => write(new BinaryWriter()).finish()

describe("a message is read as protobuf-es reads it", () => {
  it.each(messages.map((desc) => [desc.typeName, desc] as const))("%s", (_, desc) => {
    const random = randomFrom(desc.typeName.length)
    expectTheSame(desc, new Uint8Array())
    for (let round = 0; round < 8; round++) {
      const whole = bytesOf(desc, randomMessage(desc, random))
      expectTheSame(desc, whole)
      for (let each = 0; each < 3; each++) expectTheSame(desc, damaged(whole, random))
    }
  })

  it("with numbers of every length", () => {
    for (const value of [
      0n,
      127n,
      128n,
      2n ** 31n - 1n,
      2n ** 31n,
      2n ** 49n - 1n,
      2n ** 49n,
      2n ** 63n - 1n,
      -1n,
      -(2n ** 63n),
    ]) {
      expectTheSame(
        ItemSchema,
        written((to) => to.tag(4, WireType.Varint).int64(value)),
      )
      expectTheSame(
        MisbehaveResponseSchema,
        written((to) => to.tag(1, WireType.Varint).int64(value)),
      )
    }
    for (const length of [1, 2, 5, 9, 10, 11, 12]) {
      const varint = [...Buffer.alloc(length - 1, 0x80), 1]
      for (const tag of [8 * 4, 8 * 3, 8 * 10]) expectTheSame(ItemSchema, Uint8Array.from([tag, ...varint]))
      expectTheSame(ItemSchema, Uint8Array.from([...varint, 1]))
    }
  })

  it("with a field twice, and one that its reader does not know", () => {
    const id = (value: string) => written((to) => to.tag(1, WireType.LengthDelimited).string(value))
    const item = (inner: Uint8Array) => written((to) => to.tag(1, WireType.LengthDelimited).bytes(inner))
    const name = written((to) => to.tag(2, WireType.LengthDelimited).string("One"))
    expectTheSame(EchoRequestSchema, Buffer.concat([item(id("a")), item(name)]))
    expectTheSame(ItemSchema, Buffer.concat([id("a"), id("b")]))
    expectTheSame(ItemSchema, Buffer.concat([id("a"), written((to) => to.tag(999, WireType.Varint).int32(7))]))
  })

  it("with text that is no UTF-8, or begins with a mark of byte order", () => {
    for (const text of ["ff", "c3", "eda080", "efbbbf61", "c3a9", "00"]) {
      const bytes = Buffer.from(text, "hex")
      expectTheSame(
        ItemSchema,
        written((to) => to.tag(1, WireType.LengthDelimited).bytes(bytes)),
      )
    }
  })

  it("however deep it is", () => {
    for (const depth of [40, 60, 120]) {
      let parts = new Uint8Array()
      for (let level = 0; level < depth; level++) {
        const inner = parts
        const entry = written((to) =>
          to.tag(1, WireType.LengthDelimited).string("x").tag(2, WireType.LengthDelimited).bytes(inner),
        )
        parts = Uint8Array.from(written((to) => to.tag(8, WireType.LengthDelimited).bytes(entry)))
      }
      expectTheSame(ItemSchema, parts)
    }
  })
})

it("keeps nothing of one message for the next", () => {
  const bytes = Buffer.from(toBinary(EchoRequestSchema, create(EchoRequestSchema, { item: { labels: ["a"] } })))
  const first = decode(EchoRequestSchema, bytes)
  const second = decode(EchoRequestSchema, bytes)
  expect(second).toStrictEqual(first)
  expect(Reflect.get(first, "item")).not.toBe(Reflect.get(second, "item"))
})
