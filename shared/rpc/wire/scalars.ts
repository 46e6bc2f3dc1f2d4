/** How single values of a message are written (protobuf.dev, "Encoding"). */
import { type DescField, ScalarType } from "@bufbuild/protobuf"
import { WireType } from "@bufbuild/protobuf/wire"
import { leave } from "./fields.ts"
import type { Scratch } from "./Scratch.ts"

export type Writer<A> = (to: Scratch, value: A) => void

export interface ValueWriter {
  readonly wireType: WireType
  readonly write: Writer<unknown>
}

/** The writer of a scalar, without its tag; an enum's value is an int32. */
export const scalarWriter = (type: ScalarType | undefined): ValueWriter => {
  switch (type) {
    case ScalarType.STRING:
      return { wireType: WireType.LengthDelimited, write: writeString }
    case ScalarType.BYTES:
      return { wireType: WireType.LengthDelimited, write: writeBytes }
    case ScalarType.BOOL:
      return { wireType: WireType.Varint, write: writeBool }
    case ScalarType.INT32:
      return { wireType: WireType.Varint, write: writeInt32 }
    case ScalarType.UINT32:
      return { wireType: WireType.Varint, write: writeUint32 }
    case ScalarType.INT64:
      return { wireType: WireType.Varint, write: writeInt64 }
    case ScalarType.DOUBLE:
      return { wireType: WireType.Bit64, write: writeDouble }
    default:
      return { wireType: WireType.Varint, write: leave }
  }
}

const writeString: Writer<unknown> = (to, value) => (typeof value === "string" ? to.text(value) : leave())

const writeBytes: Writer<unknown> = (to, value) => {
  if (!(value instanceof Uint8Array)) return leave()
  to.varint(value.length)
  to.raw(value)
}

const writeBool: Writer<unknown> = (to, value) => (typeof value === "boolean" ? to.varint(value ? 1 : 0) : leave())

const writeInt32: Writer<unknown> = (to, value) => {
  if (typeof value !== "number" || (value | 0) !== value) return leave()
  if (value >= 0) to.varint(value)
  else to.varint64(BigInt(value))
}

const writeUint32: Writer<unknown> = (to, value) =>
  typeof value === "number" && value >>> 0 === value ? to.varint(value) : leave()

const mostExact = BigInt(Number.MAX_SAFE_INTEGER)

const writeInt64: Writer<unknown> = (to, value) => {
  if (typeof value !== "bigint") return leave()
  // Numbers are many times as fast.
  if (value >= 0n && value <= mostExact) return to.varint(Number(value))
  if (BigInt.asIntN(64, value) !== value) return leave()
  to.varint64(value)
}

const writeDouble: Writer<unknown> = (to, value) => (typeof value === "number" ? to.double(value) : leave())

/** Whether a value is its field's zero, which is not written where a field has no presence of its own. */
export const zeroOf = (field: DescField): ((value: unknown) => boolean) => {
  if (field.enum !== undefined) {
    const zero = field.enum.values[0]?.number
    return (value) => value === zero
  }
  switch (field.scalar) {
    case ScalarType.BYTES:
      return (value) => value instanceof Uint8Array && value.length === 0
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      // -0 is written.
      return (value) => Object.is(value, 0)
    default:
      return (value) => value === "" || value === false || value === 0 || value === 0n
  }
}
