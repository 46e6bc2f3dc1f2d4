/** Which fields may be left out of a request, and which are always in an answer. */
import { create, type DescField, type DescMessage } from "@bufbuild/protobuf"
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt"
import { violationsOf } from "../../validation.ts"
import type { Schema } from "./Document.ts"
import { rulesOf } from "./rules.ts"

/** What callers send, or what they get. */
export type Direction = "input" | "output"

/** In a request: what may not be left out. In an answer: what is always there. */
export const isRequired = (field: DescField, direction: Direction): boolean => {
  if (rulesOf(field)?.required === true) return true
  if (direction === "input") return refusedWhenEmpty(field.parent).has(field.name)
  return field.presence === Presence.IMPLICIT && field.oneof === undefined
}

const refusals = new Map<DescMessage, ReadonlySet<string>>()

/** The fields and oneofs for whose sake the server refuses an empty message: nobody knows better than the validator. */
const refusedWhenEmpty = (desc: DescMessage): ReadonlySet<string> => {
  const known = refusals.get(desc)
  if (known !== undefined) return known
  const names = new Set(violationsOf(desc, create(desc), "name")?.violations?.map(({ field }) => field))
  refusals.set(desc, names)
  return names
}

/** At most one field of each oneof, or exactly one where the contract wants it. */
export const choices = (desc: DescMessage, fields: ReadonlyArray<DescField>): Schema => {
  const groups = desc.oneofs.map((oneof) => {
    const each: Array<Schema> = oneof.fields
      .filter((field) => fields.includes(field))
      .map(({ jsonName }) => ({ required: [jsonName] }))
    return { oneOf: refusedWhenEmpty(desc).has(oneof.name) ? each : [...each, { not: { anyOf: each } }] }
  })
  const [only] = groups
  return groups.length > 1 ? { allOf: groups } : (only ?? {})
}
