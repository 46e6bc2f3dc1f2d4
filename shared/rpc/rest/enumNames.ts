/** The names of enum values in REST JSON: in lower case, and without the prefix that protobuf wants. */
import type { DescEnum } from "@bufbuild/protobuf"

export interface EnumNames {
  /** The contract's name of each value to its short one. */
  readonly short: ReadonlyMap<string, string>
  readonly full: ReadonlyMap<string, string>
}

const enums = new Map<DescEnum, EnumNames>()

/** The names of an enum's values; the first is that of the value that is not set. */
export const enumNames = (desc: DescEnum): EnumNames => {
  const known = enums.get(desc)
  if (known !== undefined) return known
  const prefix = desc.sharedPrefix ?? ""
  const pairs = desc.values.map(({ name }) => [name, name.slice(prefix.length).toLowerCase()] as const)
  const names = { short: new Map(pairs), full: new Map(pairs.map(([name, short]) => [short, name])) }
  enums.set(desc, names)
  return names
}
