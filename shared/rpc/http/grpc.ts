/**
 * Unary gRPC without compression, straight from an HTTP/2 stream (gRPC over HTTP2, "Requests" and "Responses"): about a
 * sixth of the cost of the general adapter, which serves everything else.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2"
import type { UnaryRoute } from "../Route.ts"
import { GrpcCall, grpcType } from "./GrpcCall.ts"

/** A handler of raw streams; it answers false where the call is not unary, plain gRPC of a known rpc. */
export const grpcUnary =
  (routes: ReadonlyMap<string, UnaryRoute>, maxBytes: number) =>
  (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean => {
    const type = headers["content-type"]
    if (type !== "application/grpc" && type !== grpcType) return false
    const encoding = headers["grpc-encoding"]
    if (encoding !== undefined && encoding !== "identity") return false
    const route = routes.get(headers[":path"] ?? "")
    if (route === undefined || headers[":method"] !== "POST") return false
    new GrpcCall(route, stream, headers, maxBytes).listen()
    return true
  }
