/** authsome.control.v1.WorkspaceService: message in, use case, message out. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { WorkspaceService } from "#gen/authsome/control/v1/workspace_pb.ts"
import { changed } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { AlreadyExists, FailedPrecondition, invalidFields, NotFound } from "#shared/rpc/PublicError.ts"
import { pending } from "../../pending.ts"
import { given } from "../given.ts"
import { pageOf } from "../Page.ts"
import { currentUser } from "../users/authenticate.ts"
import { plans, toWorkspace } from "./proto.ts"
import { type ApplicationLimitReached, type SlugTaken, WorkspaceId } from "./Workspace.ts"
import { Workspaces } from "./Workspaces.ts"

export const layer = Handlers.layer(
  WorkspaceService,
  Effect.gen(function* () {
    const workspaces = yield* Workspaces
    return {
      createWorkspace: Effect.fnUntraced(
        function* ({ name, slug, plan, metadata }) {
          const { userId } = yield* currentUser
          const workspace = yield* workspaces.create(userId, {
            name,
            slug: given(slug),
            plan: Option.getOrElse(plans.fromProto(plan), () => "free" as const),
            metadata: metadata ?? {},
          })
          yield* changed({ type: "workspace", id: workspace.id, container: workspace.id })
          return { workspace: toWorkspace(workspace) }
        },
        Effect.catchTags({
          SlugTaken: slugTaken,
          PlanNotForSale: () => planNotForSale,
          MetadataRefused: ({ why }) => invalidFields([{ field: "metadata", description: why }]),
          WorkspaceLimitReached: ({ limit }) =>
            new FailedPrecondition({
              reason: "LIMIT_REACHED",
              message: `you own ${limit} workspaces, the most there may be`,
            }),
        }),
      ),
      listWorkspaces: Effect.fnUntraced(function* (request) {
        const { userId } = yield* currentUser
        const found = yield* workspaces.list(userId, pageOf(request))
        return { ...found, data: found.data.map(toWorkspace) }
      }),
      getWorkspace: Effect.fnUntraced(
        function* ({ workspaceId }) {
          const { userId } = yield* currentUser
          return { workspace: toWorkspace(yield* workspaces.get(WorkspaceId.make(workspaceId), userId)) }
        },
        Effect.catchTag("WorkspaceNotFound", () => workspaceNotFound),
      ),
      updateWorkspace: Effect.fnUntraced(
        function* ({ workspaceId, name, plan, metadata }) {
          const { userId } = yield* currentUser
          const workspace = yield* workspaces.update(WorkspaceId.make(workspaceId), userId, {
            name: Option.fromUndefinedOr(name),
            plan: Option.map(Option.fromUndefinedOr(plan), plans.fromValid),
            metadata: Option.fromUndefinedOr(metadata),
          })
          return { workspace: toWorkspace(workspace) }
        },
        Effect.catchTags({
          WorkspaceNotFound: () => workspaceNotFound,
          WorkspaceNotActive: () => workspaceNotActive,
          PlanNotForSale: () => planNotForSale,
          ApplicationLimitReached: applicationLimitReached,
          MetadataRefused: ({ why }) => invalidFields([{ field: "metadata", description: why }]),
        }),
      ),
    }
  }),
  pending.WorkspaceService,
)

const planNotForSale = invalidFields([{ field: "plan", description: "must be one of free, pro" }])

export const workspaceNotFound = new NotFound({ reason: "NOT_FOUND", message: "there is no such workspace" })

export const workspaceNotActive = new FailedPrecondition({
  reason: "WORKSPACE_NOT_ACTIVE",
  message: "the workspace is suspended or being deleted",
})

export const slugTaken = ({ slug }: SlugTaken): AlreadyExists =>
  new AlreadyExists({ reason: "SLUG_TAKEN", message: `the slug "${slug}" is in use`, metadata: { slug } })

export const applicationLimitReached = ({ plan, limit }: ApplicationLimitReached): FailedPrecondition =>
  new FailedPrecondition({
    reason: "APPLICATION_LIMIT_REACHED",
    message: `the ${plan} plan allows ${limit} applications`,
    metadata: { plan, limit: String(limit) },
  })
