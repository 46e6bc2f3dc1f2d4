/** What the end of a gRPC call means (gRPC over HTTP2, "Responses"). */
import type { IncomingHttpHeaders } from "node:http2"
import { type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf"
import { Code, ConnectError } from "@connectrpc/connect"
import { type Status, StatusSchema } from "#gen/google/rpc/status_pb.ts"
import { Internal, type PublicError, Unavailable } from "../PublicError.ts"
import { fromConnectError } from "../status.ts"
import { decode } from "../wire/decode.ts"

/** The length-prefixed message: one byte of flags, four of length. */
const frameHead = 5

/** Whether a body is one whole message without compression. */
export const isWhole = (body: Buffer): boolean =>
  body.length >= frameHead && body[0] === 0 && body.readUInt32BE(1) === body.length - frameHead

/** The message of a whole body; undefined where it is not the message of the contract. */
export const messageOf = (method: DescMethod, body: Buffer): Message | undefined => {
  try {
    return decode(method.output, body.subarray(frameHead))
  } catch {
    return undefined // the reader throws plain errors for every way in which bytes are not a message
  }
}

export const garbled = new Internal({ reason: "INTERNAL", message: "the answer is not what the contract says" })

/** The error of trailers whose `grpc-status` is not 0. Nothing that a peer may send there makes this fail. */
export const statusError = (trailers: IncomingHttpHeaders): PublicError => {
  const code = Number(trailers["grpc-status"])
  const status = detailsOf(trailers["grpc-status-details-bin"])
  const message = textOf(trailers["grpc-message"]) ?? status?.message ?? ""
  const error = new ConnectError(message, isCode(code) ? code : Code.Unknown)
  for (const { typeUrl, value } of status?.details ?? []) {
    error.details.push({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value })
  }
  return fromConnectError(error)
}

const isCode = (code: number): code is Code => code in Code

type Header = string | ReadonlyArray<string> | undefined

const detailsOf = (header: Header): Status | undefined => {
  if (typeof header !== "string") return undefined
  try {
    return fromBinary(StatusSchema, Buffer.from(header, "base64"))
  } catch {
    return undefined // the code and the message are worth something without
  }
}

/** Percent-decoded; as it is where a peer did not percent-encode. */
const textOf = (header: Header): string | undefined => {
  if (typeof header !== "string") return undefined
  try {
    return decodeURIComponent(header)
  } catch {
    return header
  }
}

/** An answer that is not gRPC, by its HTTP status (gRPC, "HTTP to gRPC Status Code Mapping"): a proxy in between. */
export const httpError = (status: number): PublicError =>
  status === 429 || (status >= 502 && status <= 504)
    ? away(`HTTP ${status}`)
    : fromConnectError(new ConnectError(`HTTP ${status} in place of an answer`, codes[status] ?? Code.Unknown))

const codes: Readonly<Record<number, Code>> = {
  400: Code.Internal,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.Unimplemented,
}

export const away = (what: string): Unavailable =>
  new Unavailable({ reason: "UNAVAILABLE", message: `the service could not be reached: ${what}` })
