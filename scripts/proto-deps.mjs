// Gives buf the .proto sources that our contracts import, in the git-ignored folder .proto-deps: buf has no network here,
// and third-party sources are not ours to commit.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt"
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js"

const google = "node_modules/google-gax/build/protos"
/** Where each imported file comes from: development packages that ship sources. */
const sources = {
  "google/api/annotations.proto": `${google}/google/api/annotations.proto`,
  "google/api/http.proto": `${google}/google/api/http.proto`,
  "google/api/httpbody.proto": `${google}/google/api/httpbody.proto`,
  "google/rpc/code.proto": `${google}/google/rpc/code.proto`,
  "google/rpc/error_details.proto": `${google}/google/rpc/error_details.proto`,
  "google/rpc/status.proto": `${google}/google/rpc/status.proto`,
  "grpc/health/v1/health.proto": "node_modules/grpc-health-check/proto/health/v1/health.proto",
  "grpc/reflection/v1/reflection.proto":
    "node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto",
}

/** Writes every imported third-party source below `root`. */
export function writeProtoDeps(root) {
  for (const [file, source] of Object.entries(sources)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    copyFileSync(source, join(root, file))
  }
  // protovalidate ships its descriptor but not its source. The print drops options, which is harmless: generated code
  // imports the complete descriptor from the package (map_imports in buf.gen.yaml).
  const target = join(root, "buf/validate/validate.proto")
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, printFile(file_buf_validate_validate.proto))
}

/** A proto2 FileDescriptorProto as source text. */
function printFile(file) {
  return [
    'syntax = "proto2";',
    `package ${file.package};`,
    ...file.dependency.map((name) => `import "${name}";`),
    ...file.enumType.flatMap((type) => printEnum(type)),
    ...file.messageType.flatMap((type) => printMessage(type)),
    ...printExtensions(file.extension),
    "",
  ].join("\n")
}

function printMessage(message) {
  const oneofs = message.oneofDecl.map((oneof, index) => ({
    name: oneof.name,
    fields: message.field.filter((field) => Object.hasOwn(field, "oneofIndex") && field.oneofIndex === index),
  }))
  const inOneof = new Set(oneofs.flatMap((oneof) => oneof.fields))
  return block(`message ${message.name}`, [
    ...message.extensionRange.map((range) => `extensions ${printRange(range.start, range.end - 1)};`),
    ...message.reservedRange.map((range) => `reserved ${printRange(range.start, range.end - 1)};`),
    ...message.reservedName.map((name) => `reserved "${name}";`),
    ...message.enumType.flatMap((type) => printEnum(type)),
    ...message.nestedType.filter((type) => !type.options?.mapEntry).flatMap((type) => printMessage(type)),
    ...message.field.filter((field) => !inOneof.has(field)).map((field) => printField(field, message.nestedType)),
    ...oneofs.flatMap(({ name, fields }) =>
      block(
        `oneof ${name}`,
        fields.map((field) => printField(field, [], { label: false })),
      ),
    ),
    ...printExtensions(message.extension),
  ])
}

function printEnum(type) {
  return block(`enum ${type.name}`, [
    ...(type.options?.allowAlias ? ["option allow_alias = true;"] : []),
    ...type.reservedRange.map((range) => `reserved ${printRange(range.start, range.end)};`),
    ...type.reservedName.map((name) => `reserved "${name}";`),
    ...type.value.map((value) => `${value.name} = ${value.number};`),
  ])
}

function printExtensions(extensions) {
  return extensions.flatMap((field) => block(`extend ${field.extendee}`, [printField(field, [])]))
}

function printField(field, nested, { label = true } = {}) {
  const map = nested.find((type) => type.options?.mapEntry && field.typeName.endsWith(`.${type.name}`))
  const type = map ? `map<${typeName(map.field[0])}, ${typeName(map.field[1])}>` : typeName(field)
  const prefix = label && !map ? `${Label[field.label].toLowerCase()} ` : ""
  const preset = field.type === Type.STRING ? JSON.stringify(field.defaultValue) : field.defaultValue
  return `${prefix}${type} ${field.name} = ${field.number}${field.defaultValue ? ` [default = ${preset}]` : ""};`
}

const typeName = (field) => field.typeName || Type[field.type].toLowerCase()
const maxFieldNumber = 536_870_911
const printRange = (start, end) => (start === end ? `${start}` : `${start} to ${end >= maxFieldNumber ? "max" : end}`)
const block = (head, lines) => [`${head} {`, ...lines.map((line) => `  ${line}`), "}"]
