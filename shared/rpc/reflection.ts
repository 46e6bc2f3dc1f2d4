/** grpc.reflection.v1: lets a foreign client learn the contract from the server. */
import { type DescFile, type DescMessage, type DescService, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt"
import { Code, type ConnectRouter } from "@connectrpc/connect"
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from "#gen/grpc/reflection/v1/reflection_pb.ts"

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>

/** Answers for `services` and everything that their contracts import. */
export const reflectionService = (services: ReadonlyArray<DescService>) => {
  const files = closureOf(services.map((service) => service.file))
  const symbols = new Map(files.flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file] as const)))
  const extensions = new Map(
    files.flatMap((file) =>
      file.extensions.map((extension) => [`${extension.extendee.typeName}:${extension.number}`, file] as const),
    ),
  )

  const answer = ({ messageRequest: asked }: ServerReflectionRequest): Answer => {
    switch (asked.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        }
      case "fileByFilename":
        return fileAnswer(files.find((file) => file.proto.name === asked.value))
      case "fileContainingSymbol":
        return fileAnswer(symbols.get(asked.value))
      case "fileContainingExtension":
        return fileAnswer(extensions.get(`${asked.value.containingType}:${asked.value.extensionNumber}`))
      case "allExtensionNumbersOfType":
      case undefined:
        return { case: "errorResponse", value: { errorCode: Code.Unimplemented, errorMessage: "not answered here" } }
    }
  }

  return (router: ConnectRouter): void => {
    router.service(ServerReflection, {
      serverReflectionInfo: async function* (requests) {
        for await (const request of requests) {
          yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) }
        }
      },
    })
  }
}

/** A file with all that it imports, so that the client need not ask again. */
const fileAnswer = (file: DescFile | undefined): Answer => {
  if (file === undefined)
    return { case: "errorResponse", value: { errorCode: Code.NotFound, errorMessage: "not found" } }
  const fileDescriptorProto = closureOf([file]).map((each) => toBinary(FileDescriptorProtoSchema, each.proto))
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } }
}

const closureOf = (files: ReadonlyArray<DescFile>): ReadonlyArray<DescFile> => {
  const seen = new Set<DescFile>()
  const visit = (file: DescFile): void => {
    if (seen.has(file)) return
    seen.add(file)
    file.dependencies.forEach(visit)
  }
  files.forEach(visit)
  return [...seen]
}

const symbolsOf = (file: DescFile): ReadonlyArray<string> => {
  const nested = (message: DescMessage): ReadonlyArray<string> => [
    message.typeName,
    ...message.nestedMessages.flatMap(nested),
    ...message.nestedEnums.map(({ typeName }) => typeName),
  ]
  return [
    ...file.messages.flatMap(nested),
    ...file.enums.map(({ typeName }) => typeName),
    ...file.extensions.map(({ typeName }) => typeName),
    ...file.services.flatMap(({ typeName, methods }) => [
      typeName,
      ...methods.map(({ name }) => `${typeName}.${name}`),
    ]),
  ]
}
