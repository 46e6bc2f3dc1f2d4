/** Batches as the proxy could have sent them, for tests. */
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { type RequestBatch, RequestBatchSchema, type RequestEventSchema } from "#gen/authsome/proxy/v1/events_pb.ts"

export const workspaceId = `ws_${"a".repeat(26)}`
export const applicationId = `app_${"b".repeat(16)}`

/** A request of the example application at that time (milliseconds since 1970), but for what `fields` say. */
export const requestAt = (
  occurredAt: number,
  fields: MessageInitShape<typeof RequestEventSchema> = {},
): MessageInitShape<typeof RequestEventSchema> => ({
  requestId: "req_example",
  applicationId,
  workspaceId,
  method: "GET",
  route: "/users/{id}",
  status: 200,
  durationMs: 12n,
  bytesSent: 1000n,
  bytesReceived: 10n,
  occurredAt: timestampFromMs(occurredAt),
  ...fields,
})

/** A batch of these requests under this id. */
export const batchOf = (
  batchId: string,
  events: ReadonlyArray<MessageInitShape<typeof RequestEventSchema>>,
): RequestBatch => create(RequestBatchSchema, { batchId, proxyInstance: "proxy-example", events: [...events] })

/** A request that counts an end user for the month. */
export const activeAt = (
  occurredAt: number,
  userId: string,
  fields: MessageInitShape<typeof RequestEventSchema> = {},
) => requestAt(occurredAt, { userId, activeUser: true, method: "POST", route: "/auth/signin", ...fields })
