/** authsome.control.v1.ApplicationService: message in, use case, message out. */
import * as Effect from "effect/Effect"
import { ApplicationService } from "#gen/authsome/control/v1/application_pb.ts"
import { changed } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { invalidFields, NotFound } from "#shared/rpc/PublicError.ts"
import { pending } from "../../pending.ts"
import { given } from "../given.ts"
import { pageOf } from "../Page.ts"
import { applicationLimitReached, slugTaken, workspaceNotActive, workspaceNotFound } from "../workspaces/rpc.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"
import { ApplicationId } from "./Application.ts"
import { Applications } from "./Applications.ts"
import { Installation } from "./Installation.ts"
import { environments, fromConfig, statuses, toApplication, toCreated, toResources } from "./proto.ts"

export const layer = Handlers.layer(
  ApplicationService,
  Effect.gen(function* () {
    const applications = yield* Applications
    const installation = yield* Installation
    return {
      createApplication: Effect.fnUntraced(
        function* ({ workspaceId, name, slug, environment, region, config }) {
          const created = yield* applications.create({
            workspaceId: WorkspaceId.make(workspaceId),
            name,
            slug: given(slug),
            environment: environments.fromValid(environment),
            region: given(region),
            config: fromConfig(config),
          })
          yield* changed({ type: "application", id: created.application.id })
          return toCreated(created, installation)
        },
        Effect.catchTags({
          SlugTaken: slugTaken,
          ApplicationLimitReached: applicationLimitReached,
          WorkspaceNotActive: () => workspaceNotActive,
          WorkspaceNotFound: () => workspaceNotFound,
          RegionUnknown: ({ known }) =>
            invalidFields([{ field: "region", description: `must be one of ${known.join(", ")}` }]),
          SessionTimeoutRefused: () =>
            invalidFields([{ field: "config.session.timeout", description: "must be at most 365 days" }]),
        }),
      ),
      listApplications: Effect.fnUntraced(function* (request) {
        const filter = {
          environment: environments.fromProto(request.environment),
          status: statuses.fromProto(request.status),
        }
        const found = yield* applications.list(WorkspaceId.make(request.workspaceId), filter, pageOf(request))
        return { ...found, data: found.data.map((application) => toApplication(application, installation)) }
      }),
      getApplication: Effect.fnUntraced(
        function* ({ applicationId }) {
          const application = yield* applications.get(ApplicationId.make(applicationId))
          return {
            application: { ...toApplication(application, installation), resources: toResources(application) },
          }
        },
        Effect.catchTag("ApplicationNotFound", () => applicationNotFound),
      ),
    }
  }),
  pending.ApplicationService,
)

export const applicationNotFound = new NotFound({ reason: "NOT_FOUND", message: "there is no such application" })
