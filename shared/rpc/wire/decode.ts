/**
 * Messages out of protobuf's binary encoding, as `fromBinary` of protobuf-es reads them. One loop over a table of fields
 * does it: a function for each field, as protobuf-es has them, is fast where nothing else runs, but within a call they are
 * cold each time, and that triples their cost.
 */
import { create, type DescField, type DescMessage, fromBinary, type Message, ScalarType } from "@bufbuild/protobuf"
import { WireType } from "@bufbuild/protobuf/wire"
import { type Fields, isUnusual, leave, tagOf } from "./fields.ts"
import { Source } from "./Source.ts"

/** The message that `bytes` are. Throws what `fromBinary` throws. */
export const decode = (desc: DescMessage, bytes: Buffer): Message => {
  try {
    source.begin(bytes)
    return read(source, tableOf(desc), 0)
  } catch {
    // What is read here is only what our contracts have and writers write. Of everything else `fromBinary` knows what it is.
    return fromBinary(desc, bytes)
  } finally {
    source.forget()
  }
}

const source = new Source()

/** Deeper messages are left to `fromBinary`, which has a limit. */
const deepest = 50

/** How a value is read. */
const Kind = { string: 0, bytes: 1, bool: 2, int32: 3, uint32: 4, int64: 5, double: 6, message: 7 } as const
type Kind = (typeof Kind)[keyof typeof Kind]

/** Where a value goes. `once`: a message that comes twice is one message of both, which is left to `fromBinary`. */
const Place = { field: 0, once: 1, list: 2, oneof: 3 } as const
type Place = (typeof Place)[keyof typeof Place]

interface Field {
  readonly kind: Kind
  readonly place: Place
  readonly name: string
  /** The name of its oneof; empty where it is in none. */
  readonly group: string
  /** Of a field of messages. */
  readonly table: Table | undefined
}

interface Table {
  readonly desc: DescMessage
  /** By tags. A field that is not here is left to `fromBinary`. */
  readonly fields: Array<Field | undefined>
}

const read = (from: Source, { desc, fields }: Table, depth: number): Message => {
  if (depth > deepest) leave()
  const message = create(desc) as Fields
  while (from.hasMore) {
    const field = fields[from.varint()]
    if (field === undefined) return leave()
    const { name, group } = field
    const value = readValue(from, field, depth)
    switch (field.place) {
      case Place.once:
        if (message[name] !== undefined) leave()
        message[name] = value
        break
      case Place.field:
        message[name] = value
        break
      case Place.list: {
        const values = message[name] as Array<unknown>
        // Not into the empty list: V8 has learnt from descriptors that those live long, and keeps what they hold.
        if (values.length === 0) message[name] = [value]
        else values.push(value)
        break
      }
      case Place.oneof:
        if (field.kind === Kind.message && (message[group] as { readonly case: unknown }).case === name) leave()
        message[group] = { case: name, value }
        break
    }
  }
  return message
}

const readValue = (from: Source, { kind, table }: Field, depth: number): unknown => {
  switch (kind) {
    case Kind.string:
      return from.text()
    case Kind.bytes:
      return from.raw()
    case Kind.bool:
      return from.varint() !== 0
    case Kind.int32:
      return upTo(0x7fff_ffff, from.varint())
    case Kind.uint32:
      return upTo(0xffff_ffff, from.varint())
    case Kind.int64:
      return from.varint64()
    case Kind.double:
      return from.double()
    case Kind.message: {
      const outer = from.enter()
      const message = read(from, table ?? leave(), depth + 1)
      from.exit(outer)
      return message
    }
  }
}

const upTo = (most: number, value: number): number => (value <= most ? value : leave())

const tables = new Map<DescMessage, Table>()

const tableOf = (desc: DescMessage): Table => {
  const known = tables.get(desc)
  if (known !== undefined) return known
  const table: Table = { desc, fields: [] }
  // Before its fields: a message may contain itself.
  tables.set(desc, table)
  for (const field of desc.fields) {
    const kind = kindOf(field)
    if (kind === undefined) continue
    table.fields[tagOf(field.number, wireTypes[kind])] = {
      kind,
      place: placeOf(field),
      name: field.localName,
      group: field.oneof?.localName ?? "",
      table: field.message === undefined ? undefined : tableOf(field.message),
    }
  }
  return table
}

const wireTypes: Readonly<Record<Kind, WireType>> = {
  [Kind.string]: WireType.LengthDelimited,
  [Kind.bytes]: WireType.LengthDelimited,
  [Kind.bool]: WireType.Varint,
  [Kind.int32]: WireType.Varint,
  [Kind.uint32]: WireType.Varint,
  [Kind.int64]: WireType.Varint,
  [Kind.double]: WireType.Bit64,
  [Kind.message]: WireType.LengthDelimited,
}

/** Undefined: left to `fromBinary`. A packed list is, since its tag is another. */
const kindOf = (field: DescField): Kind | undefined => {
  if (field.fieldKind === "map") return undefined
  if (field.message !== undefined) return isUnusual(field, field.message) ? undefined : Kind.message
  if (field.enum !== undefined) return field.enum.open ? Kind.int32 : undefined
  return field.longAsString ? undefined : scalarKinds[field.scalar]
}

const scalarKinds: Readonly<Partial<Record<ScalarType, Kind>>> = {
  [ScalarType.STRING]: Kind.string,
  [ScalarType.BYTES]: Kind.bytes,
  [ScalarType.BOOL]: Kind.bool,
  [ScalarType.INT32]: Kind.int32,
  [ScalarType.UINT32]: Kind.uint32,
  [ScalarType.INT64]: Kind.int64,
  [ScalarType.DOUBLE]: Kind.double,
}

const placeOf = (field: DescField): Place => {
  if (field.fieldKind === "list") return Place.list
  if (field.oneof !== undefined) return Place.oneof
  return field.fieldKind === "message" ? Place.once : Place.field
}
