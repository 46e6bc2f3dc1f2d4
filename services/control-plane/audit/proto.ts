/** AuditEvent as a message. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import type { AuditEventSchema } from "#gen/authsome/control/v1/audit_event_pb.ts"
import { toTimestamp } from "../timestamp.ts"
import type { AuditEvent } from "./AuditEvent.ts"

export const toAuditEvent = (event: AuditEvent): MessageInitShape<typeof AuditEventSchema> => ({
  id: event.id,
  workspaceId: event.workspaceId,
  action: event.action,
  ...(event.actorKind === "user" ? { actorId: event.actorId } : {}),
  ...(event.resourceId === event.workspaceId ? {} : { targetId: event.resourceId }),
  ...(event.remoteAddress === "" ? {} : { sourceAddress: event.remoteAddress }),
  requestId: event.requestId,
  details: Object.fromEntries(
    Object.entries(event.details).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
  ),
  occurredAt: toTimestamp(event.occurredAt),
})
