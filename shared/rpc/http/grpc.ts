/**
 * Unary gRPC without compression, straight from an HTTP/2 stream (gRPC over HTTP2, "Requests" and "Responses"): about a
 * sixth of the cost of the general adapter, which serves everything else.
 */

import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2"
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf"
import { anyPack } from "@bufbuild/protobuf/wkt"
import { StatusSchema } from "#gen/google/rpc/status_pb.ts"
import { acceptRequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { Internal, InvalidRequest, type PublicError, ResourceExhausted, Unimplemented } from "../PublicError.ts"
import { hungUp, type Stop, type UnaryRoute } from "../Route.ts"
import { toConnectError } from "../status.ts"
import { readBody } from "./body.ts"
import { headerView } from "./headers.ts"
import { otherEndOf } from "./OtherEnd.ts"
import { giveUpRest, requestMs } from "./onePort.ts"
import { grpcTimeout } from "./timeout.ts"

const frameHead = 5
const contentType = "application/grpc+proto"

/** A handler of raw streams; it answers false where the call is not unary, plain gRPC of a known rpc. */
export const grpcUnary =
  (routes: ReadonlyMap<string, UnaryRoute>, maxBytes: number) =>
  (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean => {
    const type = headers["content-type"]
    if (type !== "application/grpc" && type !== contentType) return false
    const encoding = headers["grpc-encoding"]
    if (encoding !== undefined && encoding !== "identity") return false
    const route = routes.get(headers[":path"] ?? "")
    if (route === undefined || headers[":method"] !== "POST") return false
    serve(route, stream, headers, maxBytes)
    return true
  }

const serve = (route: UnaryRoute, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, maxBytes: number): void => {
  const header = headerView(headers)
  const extra: OutgoingHttpHeaders = {}
  let answered = false
  let stop: Stop | undefined

  const fail = (error: PublicError): void => {
    if (answered) return
    answered = true
    if (stream.destroyed) return
    stream.respond({ ":status": 200, "content-type": contentType, ...extra, ...trailersOf(error) }, { endStream: true })
  }
  const succeed = (message: Message): void => {
    if (answered) return
    const frame = route.encoded(() => framed(toBinary(route.method.output, message)))
    if (frame instanceof Internal) return fail(frame)
    answered = true
    if (stream.destroyed) return
    stream.respond({ ":status": 200, "content-type": contentType, ...extra }, { waitForTrailers: true })
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
    stream.end(frame)
  }

  // A reset stream reports here; "close" below is where the call learns of it.
  stream.on("error", () => {})
  stream.on("close", () => {
    clearTimeout(slow)
    if (!answered) stop?.(hungUp)
  })

  // A caller that sends its request too slowly is cut, so that it holds nothing for ever.
  const slow = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), requestMs)

  const timeoutMs = grpcTimeout(header("grpc-timeout"))
  if (timeoutMs === "malformed") return fail(malformed("grpc-timeout is malformed"))
  const receive = (body: Buffer): void => {
    if (answered) return
    clearTimeout(slow)
    const broken = brokenFrame(body)
    if (broken !== undefined) return fail(broken)
    const request = decode(route, body.subarray(frameHead))
    if (request === undefined) return fail(malformed(`cannot decode ${route.method.input.typeName}`))
    stop = route.run(
      request,
      {
        protocol: "grpc",
        requestId: acceptRequestId(header(requestIdHeader)),
        header,
        ...otherEndOf(stream.session),
        timeoutMs,
        fieldNames: "name",
        setHeader: (name, value) => {
          extra[name] = value
        },
      },
      (outcome) => (outcome.ok ? succeed(outcome.message) : fail(outcome.error)),
    )
  }
  readBody(stream, maxBytes + frameHead, receive, () => {
    fail(tooLarge(maxBytes))
    giveUpRest(stream)
  })
}

/** The refusal of a message over the limit. */
export const tooLarge = (maxBytes: number): ResourceExhausted =>
  new ResourceExhausted({ reason: "MESSAGE_TOO_LARGE", message: `the message is larger than ${maxBytes} bytes` })

export const malformed = (message: string): InvalidRequest => new InvalidRequest({ reason: "INVALID_REQUEST", message })

/** What is wrong with a body that is not exactly one message without compression; the codes are those of gRPC's documents. */
const brokenFrame = (body: Buffer): PublicError | undefined => {
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

/** A length-prefixed message: one byte of flags, four of length, the message. */
export const framed = (message: Uint8Array): Buffer => {
  const frame = Buffer.allocUnsafe(frameHead + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, frameHead)
  return frame
}

const decode = (route: UnaryRoute, bytes: Uint8Array): Message | undefined => {
  try {
    return fromBinary(route.method.input, bytes)
  } catch {
    return undefined // the reader throws plain errors for every way in which bytes are not a message
  }
}

/** Percent-encodes what is not printable ASCII, and the percent sign: other peers decode with decodeURI. */
const percentEncode = (text: string): string => text.replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent)

const trailersOf = (error: PublicError): OutgoingHttpHeaders => {
  const wire = toConnectError(error)
  const details = wire.details.flatMap((detail) =>
    "desc" in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
  )
  const status = create(StatusSchema, { code: wire.code, message: wire.rawMessage, details })
  return {
    "grpc-status": String(wire.code),
    "grpc-message": percentEncode(wire.rawMessage),
    "grpc-status-details-bin": Buffer.from(toBinary(StatusSchema, status)).toString("base64").replace(/=+$/, ""),
  }
}
