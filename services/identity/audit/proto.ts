/** SecurityEvent -> authsome.identity.v1. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import type { AuditEventSchema } from "#gen/authsome/identity/v1/tenant_audit_pb.ts"
import { uuidToId } from "#shared/ids/Id.ts"
import { toTimestamp } from "../users/proto.ts"
import type { SecurityEvent } from "./SecurityEvent.ts"

export const toAuditEvent = (event: SecurityEvent): MessageInitShape<typeof AuditEventSchema> => ({
  id: uuidToId("aud", event.id),
  action: event.action,
  userId: event.userId === null ? (event.pseudonym ?? "") : uuidToId("usr", event.userId),
  keyId: event.keyId ?? "",
  ipAddress: event.ipAddress,
  userAgent: event.userAgent,
  requestId: event.requestId,
  occurredAt: toTimestamp(event.occurredAt),
})
