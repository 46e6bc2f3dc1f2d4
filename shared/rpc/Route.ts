/** One rpc as a server runs it, whatever the protocol, and what may stop it. */
import type { DescMethodServerStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf"
import type { Policy } from "./Policy.ts"
import { Canceled, DeadlineExceeded, type Internal, type PublicError, Unavailable } from "./PublicError.ts"
import type { FieldNames } from "./validation.ts"

/** What a protocol knows of a call before its handler runs. */
export interface CallInit {
  readonly protocol: "grpc" | "connect" | "rest"
  readonly requestId: string
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | undefined
  /** The body as it came, for an rpc whose access is a signature over it. */
  readonly body?: Uint8Array | undefined
  readonly remoteAddress: string
  /** The program that the connection's certificate names. */
  readonly certifiedPeer?: string | undefined
  /** What the caller allows, in milliseconds; undefined: as long as the policy does. */
  readonly timeoutMs: number | undefined
  /** How violations name fields. */
  readonly fieldNames: FieldNames
  readonly setHeader: (name: string, value: string) => void
}

export type Outcome =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly error: PublicError }

/** Stops a running call; its outcome is then `why`. */
export type Stop = (why: PublicError) => void

export interface UnaryRoute {
  readonly method: DescMethodUnary
  readonly policy: Policy
  /**
   * Runs the rpc and calls `done` exactly once, at once where nothing had to be waited for; else returns how to stop. A
   * request that could not be read is refused, but not before the caller is known: strangers learn nothing of it.
   */
  readonly run: (request: Message | PublicError, init: CallInit, done: (outcome: Outcome) => void) => Stop | undefined
  /** What `write` makes of an answer; an answer that cannot be written is a defect of its handler. */
  readonly encoded: <A>(write: () => A) => A | Internal
}

export interface StreamRoute {
  readonly method: DescMethodServerStreaming
  readonly policy: Policy
  /** The responses; throws a public error. Ends when `signal` aborts or the reader stops. */
  readonly open: (request: Message, init: CallInit, signal: AbortSignal) => AsyncIterable<Message>
}

export interface Routes {
  readonly unary: ReadonlyArray<UnaryRoute>
  readonly streaming: ReadonlyArray<StreamRoute>
}

export const hungUp = new Canceled({ reason: "CANCELED", message: "the caller hung up" })
export const tooLate = new DeadlineExceeded({
  reason: "DEADLINE_EXCEEDED",
  message: "the call took longer than its deadline",
})
export const stopping = new Unavailable({
  reason: "UNAVAILABLE",
  message: "the server is shutting down",
  retryAfterMs: 1000,
})
