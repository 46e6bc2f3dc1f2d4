/** What is written fast is what protobuf-es writes, for every message of the contract and for kinds of fields that it lacks. */
import { hash } from "node:crypto"
import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf"
import { FileDescriptorProtoSchema, file_google_protobuf_descriptor } from "@bufbuild/protobuf/wkt"
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { describe, expect, it } from "vitest"
import {
  DeleteItemResponseSchema,
  EchoRequestSchema,
  ItemSchema,
  MisbehaveResponseSchema,
} from "#gen/authsome/testing/v1/probe_pb.ts"
import { encode } from "#shared/rpc/wire/encode.ts"
import { generated, messagesOf, randomFrom, randomMessage } from "./randomMessage.ts"

const messages = messagesOf([...generated, file_google_protobuf_descriptor, file_buf_validate_validate])

const head = 5

/** The bytes of a message, in short where there are many, or why it cannot be written. */
const written = (write: () => Uint8Array): string => {
  try {
    const bytes = write()
    return bytes.length < 200 ? Buffer.from(bytes).toString("hex") : hash("sha256", bytes)
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

const expectTheSame = (desc: DescMessage, message: Message) => {
  expect(written(() => encode(desc, message, head).subarray(head))).toBe(written(() => toBinary(desc, message)))
}

describe("a message is written as protobuf-es writes it", () => {
  it.each(messages.map((desc) => [desc.typeName, desc] as const))("%s", (_, desc) => {
    const random = randomFrom(desc.typeName.length)
    expectTheSame(desc, create(desc))
    for (let round = 0; round < 20; round++) expectTheSame(desc, randomMessage(desc, random))
  })

  it("with fields that its reader did not know", () => {
    const item = create(ItemSchema, { id: "itm_1", displayName: "One", labels: ["a"] })
    const read = fromBinary(DeleteItemResponseSchema, toBinary(ItemSchema, item))
    expect(read.$unknown).toHaveLength(3)
    expectTheSame(DeleteItemResponseSchema, read)
  })

  it("however deep and large it is", () => {
    let item = create(ItemSchema, { id: "innermost" })
    for (let depth = 0; depth < 50; depth++) item = create(ItemSchema, { id: "x".repeat(5000), parts: { inner: item } })
    const message = create(EchoRequestSchema, { item })
    expectTheSame(EchoRequestSchema, message)
    expectTheSame(EchoRequestSchema, create(EchoRequestSchema, { requestId: "small again" }))
  })

  it("and refused where a value is not what its field says", () => {
    for (const attempts of [1.5, 2 ** 31, "seven", 2n ** 70n, undefined, null]) {
      expectTheSame(MisbehaveResponseSchema, Object.assign(create(MisbehaveResponseSchema), { attempts }))
    }
    expectTheSame(ItemSchema, Object.assign(create(ItemSchema), { sizeBytes: 2n ** 64n }))
    expectTheSame(EchoRequestSchema, create(ItemSchema, { id: "another message" }))
    expectTheSame(EchoRequestSchema, create(EchoRequestSchema, { requestId: "fine after all that" }))
  })

  it("with what proto2 demands", () => {
    expectTheSame(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, { name: "a.proto", syntax: "proto3" }))
  })
})

it("leaves the room in front to the caller, and keeps nothing of one message for the next", () => {
  const first = encode(EchoRequestSchema, create(EchoRequestSchema, { requestId: "a".repeat(1000) }), head)
  const before = Buffer.from(first)
  const second = encode(EchoRequestSchema, create(EchoRequestSchema, { requestId: "b" }), head)
  expect(second).toHaveLength(head + 3)
  second.fill(0)
  expect(first.equals(before)).toBe(true)
})
