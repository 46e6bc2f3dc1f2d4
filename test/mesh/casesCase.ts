/** A case: a call, and the answer that it must get, whatever the protocol and on either way through the server. */
import type { DescMethodUnary } from "@bufbuild/protobuf"
import { ItemKind } from "#gen/authsome/testing/v1/probe_pb.ts"
import type { Answer } from "./casesAnswer.ts"
import type { Wire } from "./casesWire.ts"

export interface Ask {
  readonly method: DescMethodUnary
  /** The empty message where unset. */
  readonly request?: Record<string, unknown>
  /** Made of the well-formed body, in place of it. */
  readonly body?: (wellFormed: Buffer, wire: Wire) => Uint8Array
  readonly headers?: (wire: Wire) => Readonly<Record<string, string>>
  readonly path?: string
  readonly verb?: string
}

export interface Expected extends Partial<Omit<Answer, "raw" | "json">> {
  /** The response message. */
  readonly answer?: object
  readonly raw?: { readonly status?: number; readonly headers?: object }
}

export interface Case {
  readonly name: string
  /** Which protocols can say this at all. All where unset. */
  readonly of?: (wire: Wire) => boolean
  readonly ask: Ask
  readonly expected: Expected | ((wire: Wire) => Expected)
}

/** What most cases send. */
export const item = {
  id: "itm_1",
  displayName: "Grüße 100 %",
  kind: ItemKind.SQUARE,
  sizeBytes: 6_000_000_000n,
  labels: ["a"],
}

/** A frame with these flags, well-formed or not. */
export const flagged = (flags: number, message: Uint8Array): Buffer => {
  const frame = Buffer.alloc(5 + message.length)
  frame[0] = flags
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}
