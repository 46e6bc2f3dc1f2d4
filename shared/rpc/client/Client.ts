/**
 * A typed client of a service of the mesh. Deadlines, retries and permission to repeat come from the contract; errors are
 * the public errors that the other side failed with.
 */
import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { rpcName } from "../Policy.ts"
import type { PublicError } from "../PublicError.ts"
import type { Channel } from "./Channel.ts"
import { streamCall } from "./streamCall.ts"
import { unaryCall } from "./unaryCall.ts"

export type ClientMethod<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>) => Effect.Effect<MessageShape<O>, PublicError>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>) => Stream.Stream<MessageShape<O>, PublicError>
      : never

export type Client<S extends DescService> = { readonly [K in keyof S["method"]]: ClientMethod<S["method"][K]> }

/** A client of `service` over `channel`. */
export const make = <S extends DescService>(service: S, channel: Channel): Client<S> => {
  const methods = service.methods.map((method) => [method.localName, clientMethod(method, channel)])
  // Each method was made from the descriptor whose types the client shows.
  return Object.fromEntries(methods) as Client<S>
}

const clientMethod = (method: DescMethod, channel: Channel) => {
  // TypeScript does not narrow DescMethod by its kind.
  switch (method.methodKind) {
    case "unary":
      return unaryCall(method as DescMethodUnary, channel)
    case "server_streaming":
      return streamCall(method as DescMethodServerStreaming, channel)
    case "client_streaming":
    case "bidi_streaming":
      throw new Error(`${rpcName(method)}: requests are never streamed in this mesh`)
  }
}
