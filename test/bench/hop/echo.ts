/** The probe's Echo for @grpc/grpc-js, with the same messages and the same codec as the others. */
import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf"
import type { MethodDefinition } from "@grpc/grpc-js"
import { EchoRequestSchema, EchoResponseSchema, ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"

export type EchoRequest = MessageShape<typeof EchoRequestSchema>
export type EchoResponse = MessageShape<typeof EchoResponseSchema>

export const echo: MethodDefinition<EchoRequest, EchoResponse> = {
  path: `/${ProbeService.typeName}/Echo`,
  requestStream: false,
  responseStream: false,
  requestSerialize: (message) => Buffer.from(toBinary(EchoRequestSchema, message)),
  requestDeserialize: (bytes) => fromBinary(EchoRequestSchema, bytes),
  responseSerialize: (message) => Buffer.from(toBinary(EchoResponseSchema, message)),
  responseDeserialize: (bytes) => fromBinary(EchoResponseSchema, bytes),
}

export const answerTo = ({ item, requestId }: EchoRequest): EchoResponse =>
  create(EchoResponseSchema, { ...(item === undefined ? {} : { item }), requestId })
