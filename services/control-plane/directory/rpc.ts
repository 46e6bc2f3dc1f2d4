/** authsome.control.v1.ApplicationDirectoryService, for programs that keep a picture of all applications. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ApplicationDirectoryService } from "#gen/authsome/control/v1/application_directory_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { type Application, ApplicationId } from "../applications/Application.ts"
import { ApplicationStore } from "../applications/ApplicationStore.ts"
import { statuses, toDesired } from "../applications/proto.ts"
import { toOptionalTimestamp, toTimestamp } from "../timestamp.ts"

const defaultPageSize = 100

const toEntry = (application: Application) => ({
  desired: toDesired(application),
  status: statuses.toProto(application.status),
  createdAt: toTimestamp(application.createdAt),
  deletedAt: toOptionalTimestamp(application.deletedAt),
})

export const layer = Handlers.layer(
  ApplicationDirectoryService,
  Effect.gen(function* () {
    const applications = yield* ApplicationStore
    return {
      listAllApplications: Effect.fnUntraced(function* ({ applicationId, pageSize, pageToken }) {
        if (applicationId !== undefined) {
          const found = yield* applications.find(ApplicationId.make(applicationId))
          return { applications: Option.toArray(found).map(toEntry) }
        }
        const limit = pageSize === 0 ? defaultPageSize : pageSize
        // One more than asked for tells whether there is a next page. Its token is the last id of this one.
        const found = yield* applications.listAll(pageToken, limit + 1)
        const page = found.slice(0, limit)
        const nextPageToken = found.length > limit ? (page.at(-1)?.id ?? "") : ""
        return { applications: page.map(toEntry), nextPageToken }
      }),
    }
  }),
)
