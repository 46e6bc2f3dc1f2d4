/** Workspaces as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  Plan as WirePlan,
  WorkspaceStatus as WireStatus,
  type WorkspaceSchema,
} from "#gen/authsome/control/v1/workspace_pb.ts"
import { enumWords } from "../enums.ts"
import { roles } from "../members/proto.ts"
import { toOptionalTimestamp, toTimestamp } from "../timestamp.ts"
import type { Plan } from "./Plan.ts"
import type { Workspace, WorkspaceStatus } from "./Workspace.ts"

export const plans = enumWords<Plan, WirePlan>({
  free: WirePlan.FREE,
  pro: WirePlan.PRO,
  enterprise: WirePlan.ENTERPRISE,
})

const statuses = enumWords<WorkspaceStatus, WireStatus>({
  active: WireStatus.ACTIVE,
  suspended: WireStatus.SUSPENDED,
  deleting: WireStatus.DELETING,
  deleted: WireStatus.DELETED,
})

export const toWorkspace = (workspace: Workspace): MessageInitShape<typeof WorkspaceSchema> => ({
  id: workspace.id,
  name: workspace.name,
  slug: workspace.slug,
  plan: plans.toProto(workspace.plan),
  status: statuses.toProto(workspace.status),
  ownerId: workspace.ownerId,
  role: roles.toProto(workspace.role),
  metadata: workspace.metadata,
  createdAt: toTimestamp(workspace.createdAt),
  updatedAt: toTimestamp(workspace.updatedAt),
  purgeAt: toOptionalTimestamp(workspace.purgeAt),
})
