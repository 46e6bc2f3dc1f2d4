/** Unary Connect in JSON or binary without compression, straight from Node's request and response. */

import type { IncomingMessage, ServerResponse } from "node:http"
import { fromBinary, fromJsonString, type Message, toBinary, toJsonString } from "@bufbuild/protobuf"
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect"
import { acceptRequestId, requestIdHeader } from "../../telemetry/RequestId.ts"
import { Internal, type PublicError } from "../PublicError.ts"
import { hungUp, type Stop, type UnaryRoute } from "../Route.ts"
import { toConnectError } from "../status.ts"
import { readBody } from "./body.ts"
import { malformed, tooLarge } from "./frame.ts"
import { headerView } from "./headers.ts"
import { connectTimeout } from "./timeout.ts"

/** A handler of requests; it answers false where the call is not unary, plain Connect of a known rpc. */
export const connectUnary =
  (routes: ReadonlyMap<string, UnaryRoute>, maxBytes: number) =>
  (request: IncomingMessage, response: ServerResponse): boolean => {
    const type = request.headers["content-type"]
    if (request.method !== "POST" || (type !== "application/json" && type !== "application/proto")) return false
    const encoding = request.headers["content-encoding"]
    if (encoding !== undefined && encoding !== "identity") return false
    const route = routes.get(request.url ?? "")
    if (route === undefined) return false
    serve(route, type, request, response, maxBytes)
    return true
  }

type ContentType = "application/json" | "application/proto"

const serve = (
  route: UnaryRoute,
  type: ContentType,
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
): void => {
  const header = headerView(request.headers)
  let answered = false
  let stop: Stop | undefined

  const send = (status: number, contentType: string, bytes: Uint8Array): void => {
    if (answered) return
    answered = true
    if (response.destroyed) return
    response.writeHead(status, { "content-type": contentType, "content-length": bytes.length })
    response.end(bytes)
  }
  const fail = (error: PublicError): void => {
    const wire = toConnectError(error)
    send(codeToHttpStatus(wire.code), "application/json", errorToJsonBytes(wire, undefined))
  }

  response.on("close", () => {
    if (!answered) stop?.(hungUp)
  })

  const timeoutMs = connectTimeout(header("connect-timeout-ms"))
  if (timeoutMs === "malformed") return fail(malformed("connect-timeout-ms is malformed"))
  const receive = (body: Buffer): void => {
    const message = decode(route, type, body)
    if (typeof message === "string") return fail(malformed(message))
    stop = route.run(
      message,
      {
        protocol: "connect",
        requestId: acceptRequestId(header(requestIdHeader)),
        header,
        remoteAddress: request.socket.remoteAddress ?? "",
        timeoutMs,
        fieldNames: "name",
        setHeader: (name, value) => void (response.headersSent || response.setHeader(name, value)),
      },
      (outcome) => {
        if (!outcome.ok) return fail(outcome.error)
        const bytes = route.encoded(() => encode(route, type, outcome.message))
        if (bytes instanceof Internal) fail(bytes)
        else send(200, type, bytes)
      },
    )
  }
  readBody(request, maxBytes, receive, () => fail(tooLarge(maxBytes)))
}

/** The request message, or a sentence that says why the body is none. */
const decode = (route: UnaryRoute, type: ContentType, body: Buffer): Message | string => {
  const { input } = route.method
  try {
    return type === "application/json"
      ? fromJsonString(input, body.toString("utf8"), { ignoreUnknownFields: true })
      : fromBinary(input, body)
  } catch (cause) {
    // Both readers throw plain errors whose message names the field.
    return cause instanceof Error ? cause.message : `cannot decode ${input.typeName}`
  }
}

const encode = (route: UnaryRoute, type: ContentType, message: Message): Uint8Array =>
  type === "application/json"
    ? Buffer.from(toJsonString(route.method.output, message))
    : toBinary(route.method.output, message)
