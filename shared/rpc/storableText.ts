/**
 * The rule that every text of a request keeps without a word in its contract: it holds no NUL (U+0000). PostgreSQL keeps no
 * such text and compares with none, so each handler would have to refuse it. What a `google.protobuf.Struct` holds is
 * for the handler to judge, and so is a field that the contract calls `any_text`.
 */
import { type DescField, type DescMessage, getOption, type Message } from "@bufbuild/protobuf"
import {
  isReflectList,
  isReflectMap,
  isReflectMessage,
  type Path,
  type ReflectMessage,
  reflect,
} from "@bufbuild/protobuf/reflect"
import { any_text } from "#gen/authsome/mesh/v1/policy_pb.ts"

const nul = "\0"

export const isStorable = (text: string): boolean => !text.includes(nul)

/** Where in a message there are texts that hold a NUL. */
export const unstorableTexts = (desc: DescMessage, message: Message): ReadonlyArray<Path> =>
  inFields(reflect(desc, message), [])

const inFields = (message: ReflectMessage, path: Path): ReadonlyArray<Path> =>
  message.desc.typeName.startsWith("google.protobuf.")
    ? []
    : message.fields.flatMap((field) =>
        message.isSet(field) && isChecked(field) ? inValue(message.get(field), [...path, field]) : [],
      )

const isChecked = (field: DescField): boolean => !getOption(field, any_text)

const inValue = (value: unknown, path: Path): ReadonlyArray<Path> => {
  if (typeof value === "string") return isStorable(value) ? [] : [path]
  if (isReflectMessage(value)) return inFields(value, path)
  if (isReflectList(value)) {
    return [...value].flatMap((element, index) => inValue(element, [...path, { kind: "list_sub", index }]))
  }
  if (!isReflectMap(value)) return []
  return [...value].flatMap(([key, element]) => {
    const entry: Path = [...path, { kind: "map_sub", key: String(key) }]
    return [...inValue(key, entry), ...inValue(element, entry)]
  })
}
