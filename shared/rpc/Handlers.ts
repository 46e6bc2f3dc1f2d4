/**
 * The handlers of a protobuf service: an Effect for each unary rpc, a Stream for each server-streaming one. A missing
 * rpc, a wrong response field or an error outside the public family does not compile.
 */
import {
  create,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Call, Caller } from "./Caller.ts"
import { type PublicError, Unimplemented } from "./PublicError.ts"

/** What every handler may ask for; everything else is captured when the layer is built. */
export type PerCall = Caller | Call

export type Handler<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>) => Effect.Effect<MessageInitShape<O>, PublicError, PerCall>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>) => Stream.Stream<MessageInitShape<O>, PublicError, PerCall>
      : never

/** The handlers of every rpc of `S` but the `Pending` ones. */
export type Handlers<S extends DescService, Pending extends string = never> = {
  readonly [K in Exclude<keyof S["method"], Pending>]: Handler<S["method"][K]>
}

export interface UnaryHandler {
  (request: Message): Effect.Effect<object, PublicError, PerCall>
  /** The same in two steps, where the handler was made by `prepared`. */
  readonly prepare?: (
    request: Message,
  ) => Effect.Effect<Effect.Effect<object, PublicError, PerCall>, PublicError, PerCall>
  /** Its turn has not come. */
  readonly pending?: true
}
export type StreamHandler = (request: Message) => Stream.Stream<object, PublicError, PerCall>

/**
 * A handler in two steps. A call that is recorded (an audit action in its contract, an idempotency key in its request)
 * runs within a transaction, so that the record and the change are one; the first step comes before that transaction, and
 * what it makes runs in it. Dear work such as hashing a password belongs in the first step, where it holds no connection,
 * and so does what must outlast a refusal.
 */
export const prepared = <I, O>(
  prepare: (request: I) => Effect.Effect<Effect.Effect<O, PublicError, PerCall>, PublicError, PerCall>,
): ((request: I) => Effect.Effect<O, PublicError, PerCall>) =>
  Object.assign((request: I) => Effect.flatten(prepare(request)), { prepare })

// A handler answers with a message or with what makes one; `layer` has checked which message.
export const messageOf =
  (method: DescMethod) =>
  (answer: object): Message =>
    "$typeName" in answer ? (answer as Message) : create(method.output, answer as Record<string, unknown>)

/** A service with its handlers, erased to what a server needs. */
export interface Implementation {
  readonly service: DescService
  readonly unary: ReadonlyMap<DescMethod, UnaryHandler>
  readonly streaming: ReadonlyMap<DescMethod, StreamHandler>
}

/** Collects the implementations that a process serves, while its layers are built. */
export class Implementations extends Context.Service<
  Implementations,
  { readonly add: (implementation: Implementation) => void; readonly all: () => ReadonlyArray<Implementation> }
>()("shared/rpc/Implementations") {
  static readonly layer = Layer.sync(Implementations, () => {
    const list: Array<Implementation> = []
    return { add: (implementation) => void list.push(implementation), all: () => list }
  })
}

/**
 * Serves `service` with `handlers`. Rpcs named in `pending` answer `Unimplemented` until their turn has come; naming one
 * that has a handler does not compile, and neither does a handler of no rpc.
 */
export const layer = <
  S extends DescService,
  E,
  R,
  const P extends ReadonlyArray<keyof S["method"] & string> = readonly [],
  H extends Handlers<S, P[number]> = Handlers<S, P[number]>,
>(
  service: S,
  handlers: Effect.Effect<H & { readonly [K in P[number] | Exclude<keyof H, keyof S["method"]>]?: never }, E, R>,
  pending?: P,
): Layer.Layer<never, E, Implementations | R> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const implementations = yield* Implementations
      implementations.add(erase(service, yield* handlers, pending ?? []))
    }),
  )

/** Serves `service` with no handler at all: its turn has not come. */
export const pendingLayer = (service: DescService): Layer.Layer<never, never, Implementations> =>
  Layer.effectDiscard(
    Effect.map(Implementations, (implementations) =>
      implementations.add(
        erase(
          service,
          {},
          service.methods.map((method) => method.localName),
        ),
      ),
    ),
  )

// The one bridge between the typed handlers of a service and the untyped calls of a server: `layer` has checked, method
// by method, that each handler takes its rpc's request and answers with its response.
const erase = (service: DescService, handlers: object, pending: ReadonlyArray<string>): Implementation => {
  const byName = handlers as Readonly<Record<string, unknown>>
  const unary = new Map<DescMethod, UnaryHandler>()
  const streaming = new Map<DescMethod, StreamHandler>()
  for (const method of service.methods) {
    const isPending = pending.includes(method.localName)
    switch (method.methodKind) {
      case "unary":
        unary.set(method, isPending ? pendingHandler(method) : (byName[method.localName] as UnaryHandler))
        break
      case "server_streaming":
        streaming.set(
          method,
          isPending ? () => Stream.fail(notYet(method)) : (byName[method.localName] as StreamHandler),
        )
        break
      case "client_streaming":
      case "bidi_streaming":
        throw new Error(`${service.typeName}/${method.name}: requests are never streamed in this mesh`)
    }
  }
  return { service, unary, streaming }
}

const pendingHandler = (method: DescMethod): UnaryHandler =>
  Object.assign(() => Effect.fail(notYet(method)), { pending: true } as const)

const notYet = (method: DescMethod): Unimplemented =>
  new Unimplemented({ reason: "UNIMPLEMENTED", message: `${method.name} is not offered yet` })
