/** Who may do what: the caller's role in the workspace that a resource belongs to, against the table of roles. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Authorization, type Demand } from "#shared/rpc/Caller.ts"
import { NotFound, PermissionDenied } from "#shared/rpc/PublicError.ts"
import { ApplicationId } from "../applications/Application.ts"
import { UserId } from "../users/User.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"
import { MemberStore, type Standing } from "./MemberStore.ts"
import { may } from "./Role.ts"

/**
 * Allows what the caller's role allows; a change is recorded for the workspace. A resource of a workspace to which the
 * caller does not belong looks like one that does not exist; so does every resource that we cannot follow to its
 * workspace.
 */
export const layer = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const members = yield* MemberStore

    const standingOf = (userId: UserId, { field, resource }: Demand): Effect.Effect<Option.Option<Standing>> => {
      if (field === "workspace_id") return members.inWorkspace(userId, WorkspaceId.make(resource))
      if (field === "application_id") return members.forApplication(userId, ApplicationId.make(resource))
      return Effect.succeedNone
    }

    return {
      authorize: Effect.fnUntraced(function* (caller, demand) {
        if (caller._tag !== "User") return yield* denied
        const standing = yield* standingOf(UserId.make(caller.userId), demand)
        if (Option.isNone(standing)) return yield* absent
        if (!may(standing.value.role, demand.permission)) return yield* denied
        return { container: standing.value.workspaceId }
      }),
    }
  }),
)

const absent = new NotFound({ reason: "NOT_FOUND", message: "there is no such resource, or you may not know of it" })
const denied = new PermissionDenied({ reason: "PERMISSION_DENIED", message: "your role does not allow this" })
