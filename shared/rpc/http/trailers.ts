/** How a call ends on the wire (gRPC over HTTP2, "Responses"). */
import { create, toBinary } from "@bufbuild/protobuf"
import { anyPack } from "@bufbuild/protobuf/wkt"
import { StatusSchema } from "#gen/google/rpc/status_pb.ts"
import type { PublicError } from "../PublicError.ts"
import { toConnectError } from "../status.ts"

export const okTrailers = { "grpc-status": "0" }

/** The trailers of a failed call, as Node takes headers: names and values in turn. */
export const errorTrailers = (error: PublicError): ReadonlyArray<string> => {
  const wire = toConnectError(error)
  const details = wire.details.flatMap((detail) =>
    "desc" in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
  )
  const status = toBinary(StatusSchema, create(StatusSchema, { code: wire.code, message: wire.rawMessage, details }))
  return [
    ...["grpc-status", String(wire.code)],
    ...["grpc-message", percentEncode(wire.rawMessage)],
    ...["grpc-status-details-bin", Buffer.from(status).toString("base64").replace(/=+$/, "")],
  ]
}

/** Percent-encodes what is not printable ASCII, and the percent sign: other peers decode with decodeURI. */
const percentEncode = (text: string): string => text.replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent)
