/** Served requests as the event that billing counts. */
import { create, toBinary } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { type RequestBatch, RequestBatchSchema, RequestEventSchema } from "#gen/authsome/proxy/v1/events_pb.ts"
import type { ServedRequest } from "./ServedRequest.ts"

/** The id of the `sequence`-th batch of a process: the same however often it is sent. */
export const batchId = (proxyInstance: string, sequence: number): string => `${proxyInstance}-${sequence}`

/** One batch on the wire. */
export const toBatch = (proxyInstance: string, sequence: number, served: ReadonlyArray<ServedRequest>): RequestBatch =>
  create(RequestBatchSchema, {
    batchId: batchId(proxyInstance, sequence),
    proxyInstance,
    events: served.map((request) =>
      create(RequestEventSchema, {
        requestId: request.requestId,
        applicationId: request.applicationId,
        workspaceId: request.workspaceId,
        method: request.method.slice(0, 16),
        route: request.route,
        status: request.status,
        durationMs: BigInt(Math.round(request.durationMs)),
        bytesSent: BigInt(request.bytesSent),
        bytesReceived: BigInt(request.bytesReceived),
        userId: request.activeUser,
        activeUser: request.activeUser !== "",
        occurredAt: timestampFromMs(request.at),
      }),
    ),
  })

/** The bytes of a batch. */
export const encodeBatch = (batch: RequestBatch): Uint8Array => toBinary(RequestBatchSchema, batch)
