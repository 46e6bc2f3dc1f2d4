/** What writing and reading messages have in common (protobuf.dev, "Encoding"). */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf"
import type { WireType } from "@bufbuild/protobuf/wire"

/** A message by the names of its fields, which its descriptor knows. */
export type Fields = Message & Record<string, unknown>

export type DescOf<Kind> = Extract<DescField, { readonly fieldKind: Kind }>

/** A field as the wire has it. */
export const tagOf = (number: number, wireType: WireType): number => number * 8 + wireType

/** Whether the values of a field of messages are not kept as messages of the usual form: JSON, a bare scalar, a group. */
export const isUnusual = (field: DescField, desc: DescMessage): boolean =>
  desc.typeName === "google.protobuf.Struct" ||
  /^google\.protobuf\.[A-Z][A-Za-z0-9]*Value$/.test(desc.typeName) ||
  ("delimitedEncoding" in field && field.delimitedEncoding)

const leftToOthers = new Error("this is left to protobuf-es")

/** Gives up on a message: protobuf-es knows how it is read or written, or why not. */
export const leave = (): never => {
  throw leftToOthers
}
