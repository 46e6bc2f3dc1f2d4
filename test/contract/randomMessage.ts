/** Messages of any description with values that are hard on whoever handles them, and the same ones each time. */
import { readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import {
  create,
  type DescField,
  type DescFile,
  type DescMessage,
  getOption,
  hasOption,
  type Message,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf"
import { StructSchema } from "@bufbuild/protobuf/wkt"
import { type FieldRulesSchema, field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"

const root = resolve(import.meta.dirname, "../../gen")

const isDescFile = (value: unknown): value is DescFile =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === "file"

/** Every message of these files, the nested ones too. */
export const messagesOf = (files: ReadonlyArray<DescFile>): ReadonlyArray<DescMessage> =>
  files.flatMap((file) => file.messages.flatMap(withNested))

const withNested = (message: DescMessage): ReadonlyArray<DescMessage> => [
  message,
  ...message.nestedMessages.flatMap(withNested),
]

/** Every file that was generated. */
export const generated: ReadonlyArray<DescFile> = (
  await Promise.all(
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith("_pb.ts"))
      .map((name) => import(pathToFileURL(join(root, name)).href)),
  )
).flatMap((module: Record<string, unknown>) => Object.values(module).filter(isDescFile))

/** Whole numbers from 0, below a bound. */
export type Random = (below: number) => number

/** The same numbers each time: mulberry32, a generator with 32 bits of state. */
export const randomFrom = (seed: number): Random => {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const oneOf = <A>(random: Random, values: ReadonlyArray<A>): A => values[random(values.length)] as A

const prefixes = ["app_", "ws_", "usr_", "org_", "whk_", "mem_", "inv_", "ses_", "pm_", "aud_", "key_", "evt_", "xx_"]
const texts = [
  ...["", "a", "é", "€".repeat(60), "😀".repeat(50), "lone \ud800", "a\n", " ", "\u2028", "\u0085", "a\u00a0b", "\x7f"],
  ...[31, 32, 33, 127, 128, 20_000].map((length) => "x".repeat(length)),
  ...prefixes.flatMap((prefix) => [26, 16, 1, 27].map((length) => `${prefix}${"a2".repeat(14).slice(0, length)}`)),
  ...[
    "2025-01",
    "2025-13",
    "123456",
    "+4420718100",
    "https://a.example",
    "https://a b",
    "http://[::1]:80",
    "acme-shop",
  ],
  ...["acme--shop", "10Gi", "500m", "USD", "usd", "3s", "a_b.c_d", "A-Za-z-0", "ada@example.com", "10.0.0.1", "UTC"],
  "8d9c1c5e-8f0c-4c5e-9d3a-3f0a6c1e2b4d",
]

type Rules = MessageShape<typeof FieldRulesSchema>

/** Texts that a rule of length tells apart, in code points of one unit and of two. */
const edges = (rules: Rules | undefined): ReadonlyArray<string> => {
  if (rules?.type.case !== "string") return texts
  const { minLen, maxLen } = rules.type.value
  return [minLen, maxLen]
    .flatMap((length) => [Number(length) - 1, Number(length), Number(length) + 1])
    .filter((length) => length >= 0 && length < 30_000)
    .flatMap((length) => ["a".repeat(length), "😀".repeat(length)])
}

const scalarOf = (type: ScalarType, rules: Rules | undefined, random: Random): unknown => {
  switch (type) {
    case ScalarType.STRING:
      return oneOf(random, random(3) === 0 ? edges(rules) : texts) ?? ""
    case ScalarType.BYTES:
      return Uint8Array.from({ length: oneOf(random, [0, 1, 32, 127, 128, 300]) }, () => random(256))
    case ScalarType.BOOL:
      return random(2) === 1
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return oneOf(random, [0, -0, 1.5, -2.25, Number.NaN, Number.POSITIVE_INFINITY])
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return oneOf(random, [
        0n,
        1n,
        -1n,
        127n,
        128n,
        2n ** 32n,
        2n ** 53n,
        2n ** 63n - 1n,
        -(2n ** 63n),
        30_000_000_000n,
      ])
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return oneOf(random, [0n, 1n, 128n, 2n ** 53n, 2n ** 64n - 1n])
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return oneOf(random, [0, 1, 127, 128, 16_384, 2 ** 31, 2 ** 32 - 1])
    default:
      return oneOf(random, [0, 1, 2, 10, 50, 99, 100, 101, -1, 127, 128, 1000, 1001, 16_384, 2 ** 31 - 1, -(2 ** 31)])
  }
}

const valueOf = (field: DescField, rules: Rules | undefined, random: Random, depth: number): unknown => {
  if (field.enum !== undefined) return oneOf(random, [...field.enum.values.map(({ number }) => number), 99])
  if (field.message !== undefined) {
    // Kept as plain JSON.
    if (field.message.typeName === StructSchema.typeName) return { deep: [1, "two", null, { three: true }] }
    return randomMessage(field.message, random, depth + 1)
  }
  return scalarOf(field.scalar ?? ScalarType.INT32, rules, random)
}

/** So many that most bounds are met and some are not. */
const times = <A>(random: Random, make: () => A): ReadonlyArray<A> =>
  Array.from({ length: oneOf(random, [0, 1, 2, 3, 6, 30]) }, make)

/** A message with some of its fields set. */
export const randomMessage = (desc: DescMessage, random: Random, depth = 0): Message => {
  const message = create(desc) as Message & Record<string, unknown>
  for (const field of desc.fields) {
    if (random(4) === 0 || (depth > 2 && field.message !== undefined)) continue
    const rules = hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined
    const value = () => valueOf(field, rules, random, depth)
    if (field.fieldKind === "list") message[field.localName] = times(random, value)
    else if (field.fieldKind === "map") {
      const keys = field.mapKey === ScalarType.STRING ? ["", "one", "zwölf"] : [1, 2, 7]
      message[field.localName] = Object.fromEntries(
        times(random, () => [oneOf<string | number>(random, keys), value()]).slice(0, random(3)),
      )
    } else if (field.oneof !== undefined) {
      message[field.oneof.localName] = { case: field.localName, value: value() }
    } else message[field.localName] = value()
  }
  return message
}
