/** One change of a workspace, as its members may read it: who, what, when, from where. */
import * as Schema from "effect/Schema"
import { WorkspaceId } from "../workspaces/Workspace.ts"

export class AuditEvent extends Schema.Class<AuditEvent>("AuditEvent")({
  id: Schema.String,
  workspaceId: WorkspaceId,
  /** Such as "application.created". */
  action: Schema.String,
  actorKind: Schema.String,
  actorId: Schema.String,
  resourceId: Schema.String,
  details: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Array(Schema.String)])),
  requestId: Schema.String,
  /** Empty: not from outside. */
  remoteAddress: Schema.String,
  occurredAt: Schema.DateTimeUtcFromDate,
}) {}
