/** The probe's contract served by @grpc/grpc-js, each rpc as a test wants it. */
import { create, type DescMethod, fromBinary, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import { anyPack } from "@bufbuild/protobuf/wkt"
import * as grpc from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.ts"
import { StatusSchema } from "#gen/google/rpc/status_pb.ts"

export type UnaryCall = grpc.ServerUnaryCall<Message, Message>
export type StreamCall = grpc.ServerWritableStream<Message, Message>

export interface ForeignHandlers {
  readonly echo?: (call: UnaryCall, answer: Answer<typeof ProbeService.method.echo>) => void
  readonly listItems?: (call: UnaryCall, answer: Answer<typeof ProbeService.method.listItems>) => void
  readonly misbehave?: (call: UnaryCall, answer: Answer<typeof ProbeService.method.misbehave>) => void
  readonly count?: (call: StreamCall) => void
}

type Answer<M extends DescMethod> = (
  error: Partial<grpc.StatusObject> | null,
  response?: MessageInitShape<M["output"]>,
) => void

export interface Foreign {
  readonly port: number
  /** Goes away in order: GOAWAY, and the end when the last call is done. */
  readonly leave: Effect.Effect<void>
  /** Ends at once, with the calls that run. */
  readonly kill: Effect.Effect<void>
}

const definition = (method: DescMethod): grpc.MethodDefinition<Message, Message> => ({
  path: `/${method.parent.typeName}/${method.name}`,
  requestStream: false,
  responseStream: method.methodKind === "server_streaming",
  requestSerialize: (message) => Buffer.from(toBinary(method.input, message)),
  requestDeserialize: (bytes) => fromBinary(method.input, bytes),
  responseSerialize: (message) => Buffer.from(toBinary(method.output, message)),
  responseDeserialize: (bytes) => fromBinary(method.output, bytes),
})

const unary = (method: DescMethod, handle: (call: UnaryCall, answer: Answer<DescMethod>) => void) => ({
  definition: definition(method),
  handle: (call: UnaryCall, done: grpc.sendUnaryData<Message>) =>
    handle(call, (error, response) => done(error, error === null ? create(method.output, response) : null)),
})

/** A server on a free port, or on `port`. */
export const startForeign = (
  handlers: ForeignHandlers,
  options: grpc.ServerOptions = {},
  port = 0,
): Effect.Effect<Foreign, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ server: grpc.Server; port: number }>((resume) => {
        const server = new grpc.Server({ "grpc.max_receive_message_length": -1, ...options })
        const { method } = ProbeService
        const served = [
          ...(handlers.echo === undefined ? [] : [["echo", unary(method.echo, handlers.echo)] as const]),
          ...(handlers.listItems === undefined
            ? []
            : [["listItems", unary(method.listItems, handlers.listItems)] as const]),
          ...(handlers.misbehave === undefined
            ? []
            : [["misbehave", unary(method.misbehave, handlers.misbehave)] as const]),
          ...(handlers.count === undefined
            ? []
            : [["count", { definition: definition(method.count), handle: handlers.count }] as const]),
        ]
        server.addService(
          Object.fromEntries(served.map(([name, { definition }]) => [name, definition])),
          Object.fromEntries(served.map(([name, { handle }]) => [name, handle])),
        )
        server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
          resume(error === null ? Effect.succeed({ server, port: bound }) : Effect.die(error)),
        )
      }),
      ({ server }) => Effect.sync(() => server.forceShutdown()),
    ),
    ({ server, port }) => ({
      port,
      leave: Effect.callback<void>((resume) => server.tryShutdown(() => resume(Effect.void))),
      kill: Effect.sync(() => server.forceShutdown()),
    }),
  )

/** An error with the details that the mesh gives its own. */
export const statusWith = (
  code: grpc.status,
  message: string,
  details: { readonly reason?: string; readonly retryAfterMs?: number } = {},
): Partial<grpc.StatusObject> => {
  const metadata = new grpc.Metadata()
  const packed = [
    ...(details.reason === undefined
      ? []
      : [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: details.reason, domain: "authsome.mesh.v1" }))]),
    ...(details.retryAfterMs === undefined
      ? []
      : [
          anyPack(
            RetryInfoSchema,
            create(RetryInfoSchema, {
              retryDelay: { seconds: 0n, nanos: details.retryAfterMs * 1_000_000 },
            }),
          ),
        ]),
  ]
  const status = create(StatusSchema, { code, message, details: packed })
  metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)))
  return { code, details: message, metadata }
}
