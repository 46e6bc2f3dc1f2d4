/** What a plan is bought for, and what members and applications belong to. */
import * as Schema from "effect/Schema"
import { MemberRole } from "../members/Role.ts"
import { UserId } from "../users/User.ts"
import { Metadata } from "./Metadata.ts"
import { Plan } from "./Plan.ts"

export const WorkspaceId = Schema.String.pipe(Schema.brand("WorkspaceId"))
export type WorkspaceId = typeof WorkspaceId.Type

/** Whether the applications of a workspace are served. */
export const WorkspaceStatus = Schema.Literals(["active", "suspended", "deleting", "deleted"])
export type WorkspaceStatus = typeof WorkspaceStatus.Type

/** A workspace as one of its members sees it. */
export class Workspace extends Schema.Class<Workspace>("Workspace")({
  id: WorkspaceId,
  name: Schema.String,
  slug: Schema.String,
  plan: Plan,
  status: WorkspaceStatus,
  /** The owner who has been one for longest. */
  ownerId: UserId,
  /** The role of the member who looks. */
  role: MemberRole,
  metadata: Metadata,
  createdAt: Schema.DateTimeUtcFromDate,
  updatedAt: Schema.DateTimeUtcFromDate,
  purgeAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
}) {}

/** What the applications of a workspace depend on. */
export class Tenancy extends Schema.Class<Tenancy>("Tenancy")({ plan: Plan, status: WorkspaceStatus }) {}

export class WorkspaceNotFound extends Schema.TaggedError<WorkspaceNotFound>()("WorkspaceNotFound", {
  id: WorkspaceId,
}) {}

/** The workspace is suspended or being deleted, so that nothing may be made in it. */
export class WorkspaceNotActive extends Schema.TaggedError<WorkspaceNotActive>()("WorkspaceNotActive", {
  id: WorkspaceId,
}) {}

/** The slug is in use, of workspaces or of applications of one workspace. */
export class SlugTaken extends Schema.TaggedError<SlugTaken>()("SlugTaken", { slug: Schema.String }) {}

/** The plan does not allow so many applications. */
export class ApplicationLimitReached extends Schema.TaggedError<ApplicationLimitReached>()("ApplicationLimitReached", {
  plan: Plan,
  limit: Schema.Int,
}) {}

/** The user owns as many workspaces as anybody may. */
export class WorkspaceLimitReached extends Schema.TaggedError<WorkspaceLimitReached>()("WorkspaceLimitReached", {
  limit: Schema.Int,
}) {}
