/** The rules that the contract puts on a request's fields (protovalidate), checked before any handler runs. */
import type { DescMessage, Message } from "@bufbuild/protobuf"
import type { Path } from "@bufbuild/protobuf/reflect"
import { createValidator } from "@bufbuild/protovalidate"
import { type InvalidRequest, invalidFields } from "./PublicError.ts"
import { unstorableTexts } from "./storableText.ts"
import { surelyValid } from "./surelyValid.ts"

/** Field names as the wire has them: "name" in protobuf and gRPC, "jsonName" in REST JSON. */
export type FieldNames = "name" | "jsonName"

const validator = createValidator()

/**
 * The refusal of a request that breaks a rule of its contract, or has a text that no database keeps; undefined: neither.
 * Throws where a rule itself is broken.
 */
export const violationsOf = (desc: DescMessage, request: Message, names: FieldNames): InvalidRequest | undefined => {
  if (surelyValid(desc, request)) return undefined
  const result = validator.validate(desc, request)
  if (result.kind === "error") throw result.error
  const violations = [
    ...unstorableTexts(desc, request).map((field) => ({ field, message: "must not hold a NUL (U+0000)" })),
    ...(result.kind === "invalid" ? result.violations : []),
  ]
  if (violations.length === 0) return undefined
  return invalidFields(
    violations.map(({ field, message }) => ({ field: pathText(field, names), description: message })),
  )
}

const pathText = (path: Path, names: FieldNames): string =>
  path.reduce((text, part) => {
    switch (part.kind) {
      case "field":
        return join(text, part[names])
      case "oneof":
        return join(text, names === "name" ? part.name : part.localName)
      case "extension":
        return `${text}[${part.typeName}]`
      case "list_sub":
        return `${text}[${part.index}]`
      case "map_sub":
        return `${text}[${JSON.stringify(String(part.key))}]`
    }
  }, "")

const join = (before: string, name: string): string => (before === "" ? name : `${before}.${name}`)
