/** What the sources of the contracts say of their elements: descriptors keep no comments, an image of buf does. */
import { execFileSync } from "node:child_process"
import { fromBinary } from "@bufbuild/protobuf"
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt"

/** Comments by full name, as ../shared/rpc/rest/openapi/Document.ts wants them. */
export const protoComments = (directory: string): ReadonlyMap<string, string> => {
  const arguments_ = ["build", directory, "--as-file-descriptor-set", "--exclude-imports", "-o", "-"]
  const image = execFileSync("node_modules/.bin/buf", arguments_, { maxBuffer: 2 ** 28 })
  return new Map(fromBinary(FileDescriptorSetSchema, image).file.flatMap(commentsOf))
}

type Named = readonly [name: string, path: string]

const commentsOf = (file: FileDescriptorProto): ReadonlyArray<readonly [string, string]> => {
  const names = new Map(namesOf(file).map(([name, path]) => [path, name]))
  return (file.sourceCodeInfo?.location ?? []).flatMap(({ path, leadingComments }) => {
    const name = names.get(path.join("."))
    return name === undefined || leadingComments === "" ? [] : [[name, unwrapped(leadingComments)] as const]
  })
}

// The numbers are those of the fields of descriptor.proto: a location's path is made of them and of indices.
const namesOf = (file: FileDescriptorProto): ReadonlyArray<Named> => [
  ...file.messageType.flatMap((message, index) => messageNames(message, file.package, `4.${index}`)),
  ...file.enumType.flatMap((each, index) => enumNames(each, file.package, `5.${index}`)),
  ...file.service.flatMap((service, index): ReadonlyArray<Named> => {
    const name = `${file.package}.${service.name}`
    return [
      [name, `6.${index}`],
      ...service.method.map((method, at): Named => [`${name}.${method.name}`, `6.${index}.2.${at}`]),
    ]
  }),
]

const messageNames = (message: DescriptorProto, scope: string, path: string): ReadonlyArray<Named> => {
  const name = `${scope}.${message.name}`
  return [
    [name, path],
    ...message.field.map((field, at): Named => [`${name}.${field.name}`, `${path}.2.${at}`]),
    ...message.nestedType.flatMap((nested, at) => messageNames(nested, name, `${path}.3.${at}`)),
    ...message.enumType.flatMap((each, at) => enumNames(each, name, `${path}.4.${at}`)),
  ]
}

const enumNames = (desc: EnumDescriptorProto, scope: string, path: string): ReadonlyArray<Named> => {
  const name = `${scope}.${desc.name}`
  return [[name, path], ...desc.value.map((value, at): Named => [`${name}.${value.name}`, `${path}.2.${at}`])]
}

/** The lines of a paragraph as one. */
const unwrapped = (comment: string): string =>
  comment
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) =>
      paragraph
        .split("\n")
        .map((line) => line.trim())
        .join(" "),
    )
    .join("\n\n")
