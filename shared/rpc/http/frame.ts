/** The length-prefixed message of gRPC (gRPC over HTTP2, "Requests"): one byte of flags, four of length, the message. */
import type { DescMessage, Message } from "@bufbuild/protobuf"
import { Internal, InvalidRequest, type PublicError, ResourceExhausted, Unimplemented } from "../PublicError.ts"
import { encode } from "../wire/encode.ts"

/** Bytes in front of the message. */
export const frameHead = 5

/** The frame of a message. Throws where the message cannot be written. */
export const frameOf = (desc: DescMessage, message: Message): Buffer => withHead(encode(desc, message, frameHead))

/** The frame of a message that is written already. */
export const framed = (message: Uint8Array): Buffer => {
  const frame = Buffer.allocUnsafe(frameHead + message.length)
  frame.set(message, frameHead)
  return withHead(frame)
}

const withHead = (frame: Buffer): Buffer => {
  frame[0] = 0
  frame.writeUInt32BE(frame.length - frameHead, 1)
  return frame
}

/** What is wrong with a body that is not exactly one message without compression; the codes are those of gRPC's documents. */
export const brokenFrame = (body: Buffer): PublicError | undefined => {
  if (body.length === 0) return cardinality("the request has no message")
  if (body.length < frameHead) return malformed("the request ends within a frame")
  // "Compression": a compressed message in a call without a message encoding.
  if (body[0] === 1) return new Internal({ reason: "INTERNAL", message: "the message is compressed with no encoding" })
  if (body[0] !== 0) return malformed("the frame has unknown flags")
  const rest = body.length - frameHead - body.readUInt32BE(1)
  if (rest === 0) return undefined
  const next = body.length - rest
  // "Status codes and their use": a request cardinality violation.
  return rest >= frameHead && body.readUInt32BE(next + 1) <= rest - frameHead
    ? cardinality("the request has more than one message")
    : malformed("the request ends within a frame")
}

const cardinality = (message: string): Unimplemented => new Unimplemented({ reason: "UNIMPLEMENTED", message })

export const malformed = (message: string): InvalidRequest => new InvalidRequest({ reason: "INVALID_REQUEST", message })

/** The refusal of a message over the limit. */
export const tooLarge = (maxBytes: number): ResourceExhausted =>
  new ResourceExhausted({ reason: "MESSAGE_TOO_LARGE", message: `the message is larger than ${maxBytes} bytes` })
