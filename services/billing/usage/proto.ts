/** authsome.proxy.v1.RequestBatch -> batch, and usage -> authsome.billing.v1.GetUsageResponse. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt"
import type { GetUsageResponseSchema, UsageTotalsSchema } from "#gen/authsome/billing/v1/usage_pb.ts"
import type { RequestBatch, RequestEvent } from "#gen/authsome/proxy/v1/events_pb.ts"
import { sha256 } from "#shared/crypto/digest.ts"
import type { ServedRequest, UsageBatch } from "./UsageBatch.ts"
import { endOf } from "./UsagePeriod.ts"
import { totalOf, type UsageFigures, type WorkspaceUsage } from "./WorkspaceUsage.ts"

/** A batch that keeps the rules of its contract. The ids of users do not get any further than this. */
export const toBatch = ({ batchId, events }: RequestBatch): UsageBatch => ({
  id: batchId,
  requests: events.map(toRequest),
})

const toRequest = (event: RequestEvent): ServedRequest => ({
  applicationId: event.applicationId,
  workspaceId: event.workspaceId,
  status: event.status,
  durationMs: event.durationMs,
  bytesSent: event.bytesSent,
  bytesReceived: event.bytesReceived,
  // The contract requires it. 1970 is never counted.
  occurredAt: event.occurredAt === undefined ? 0 : timestampMs(event.occurredAt),
  activeUser: event.activeUser && event.userId !== "" ? sha256(event.userId).toString("hex") : undefined,
})

/** The answer without what is not known yet: storage is not measured, and nothing is rated. */
export const toUsageResponse = (usage: WorkspaceUsage): MessageInitShape<typeof GetUsageResponseSchema> => ({
  workspaceId: usage.workspaceId,
  period: usage.period,
  totals: toTotals(totalOf(usage.applications)),
  applications: usage.applications.map((each) => ({ applicationId: each.applicationId, totals: toTotals(each) })),
  billingAt: timestampFromMs(endOf(usage.period)),
  ...(usage.countedAt === undefined ? {} : { countedAt: timestampFromMs(usage.countedAt.getTime()) }),
})

const toTotals = (figures: UsageFigures): MessageInitShape<typeof UsageTotalsSchema> => ({
  mauCurrent: figures.mauCurrent,
  mauExact: figures.mauExact,
  requests: figures.requests,
  sentBytes: figures.bytesSent,
})
