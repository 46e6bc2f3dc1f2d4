/** What is written fast is what protobuf-es writes, for every message of the contract and for kinds of fields that it lacks. */
import { hash } from "node:crypto"
import { readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import {
  create,
  type DescField,
  type DescFile,
  type DescMessage,
  fromBinary,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf"
import { FileDescriptorProtoSchema, file_google_protobuf_descriptor, StructSchema } from "@bufbuild/protobuf/wkt"
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"
import { describe, expect, it } from "vitest"
import {
  DeleteItemResponseSchema,
  EchoRequestSchema,
  ItemSchema,
  MisbehaveResponseSchema,
} from "#gen/authsome/testing/v1/probe_pb.ts"
import { encode } from "#shared/rpc/wire/encode.ts"

const root = resolve(import.meta.dirname, "../../gen")

const files: ReadonlyArray<DescFile> = (
  await Promise.all(
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith("_pb.ts"))
      .map((name) => import(pathToFileURL(join(root, name)).href)),
  )
).flatMap((module: Record<string, unknown>) => Object.values(module).filter(isDescFile))

function isDescFile(value: unknown): value is DescFile {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "file"
}

const nested = (message: DescMessage): ReadonlyArray<DescMessage> => [
  message,
  ...message.nestedMessages.flatMap(nested),
]
const messages = [...files, file_google_protobuf_descriptor, file_buf_validate_validate].flatMap((file) =>
  file.messages.flatMap(nested),
)

/** The same numbers each time: mulberry32, a generator of 32 bits of state. */
const numbers = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
type Random = ReturnType<typeof numbers>

const oneOf = <A>(random: Random, ...values: ReadonlyArray<A>): A => values[random(values.length)] as A

const texts = ["", "a", "usr_agq763sa75337nxfbwal4vct7a", "é", "x".repeat(32), "x".repeat(33), "ü".repeat(32)]
const longTexts = ["y".repeat(127), "y".repeat(128), "€".repeat(60), "😀".repeat(50), "z".repeat(20_000), "lone \ud800"]

const scalarOf = (type: ScalarType, random: Random): unknown => {
  switch (type) {
    case ScalarType.STRING:
      return oneOf(random, ...texts, ...longTexts)
    case ScalarType.BYTES:
      return Uint8Array.from({ length: oneOf(random, 0, 1, 127, 128, 300) }, () => random(256))
    case ScalarType.BOOL:
      return random(2) === 1
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return oneOf(random, 0, -0, 1.5, -2.25, Number.NaN, Number.POSITIVE_INFINITY)
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return oneOf(
        random,
        0n,
        1n,
        -1n,
        127n,
        128n,
        2n ** 32n,
        2n ** 53n,
        2n ** 63n - 1n,
        -(2n ** 63n),
        300_000_000_000n,
      )
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return oneOf(random, 0n, 1n, 128n, 2n ** 53n, 2n ** 64n - 1n)
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return oneOf(random, 0, 1, 127, 128, 16_384, 2 ** 31, 2 ** 32 - 1)
    default:
      return oneOf(random, 0, 1, -1, 127, 128, 16_384, 2 ** 31 - 1, -(2 ** 31))
  }
}

const valueOf = (field: DescField, random: Random, depth: number): unknown => {
  if (field.enum !== undefined) return oneOf(random, ...field.enum.values).number
  if (field.message !== undefined) {
    // Kept as plain JSON.
    if (field.message.typeName === StructSchema.typeName) return { deep: [1, "two", null, { three: true }] }
    return messageOf(field.message, random, depth + 1)
  }
  return scalarOf(field.scalar ?? ScalarType.INT32, random)
}

const times = <A>(random: Random, make: () => A): ReadonlyArray<A> => Array.from({ length: random(4) }, make)

const messageOf = (desc: DescMessage, random: Random, depth = 0): Message => {
  const message = create(desc) as Message & Record<string, unknown>
  for (const field of desc.fields) {
    if (random(3) === 0 || (depth > 2 && field.message !== undefined)) continue
    if (field.fieldKind === "list") message[field.localName] = times(random, () => valueOf(field, random, depth))
    else if (field.fieldKind === "map") {
      const keys = field.mapKey === ScalarType.STRING ? ["", "one", "zwölf"] : [1, 2, 7]
      message[field.localName] = Object.fromEntries(
        times(random, () => [oneOf<string | number>(random, ...keys), valueOf(field, random, depth)]),
      )
    } else if (field.oneof !== undefined) {
      message[field.oneof.localName] = { case: field.localName, value: valueOf(field, random, depth) }
    } else message[field.localName] = valueOf(field, random, depth)
  }
  return message
}

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
    const random = numbers(desc.typeName.length)
    expectTheSame(desc, create(desc))
    for (let round = 0; round < 20; round++) expectTheSame(desc, messageOf(desc, random))
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
