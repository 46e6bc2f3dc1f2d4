/** authsome.provisioner.v1.ProvisioningService: message in, use case, message out. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { SqlError } from "effect/sql/SqlError"
import { ProvisioningService } from "#gen/authsome/provisioner/v1/provisioning_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { InvalidRequest, NotFound, Unavailable } from "#shared/rpc/PublicError.ts"
import { ApplicationId } from "./Application.ts"
import type { Cursor } from "./ProvisioningStore.ts"
import { Provisionings } from "./Provisionings.ts"
import { fromProvisioning, toStates, toWanted } from "./proto.ts"

const defaultPageSize = 100

export const layer = Handlers.layer(
  ProvisioningService,
  Effect.gen(function* () {
    const provisionings = yield* Provisionings
    return {
      getProvisioning: Effect.fnUntraced(
        function* ({ applicationId }) {
          const provisioning = yield* provisionings.get(yield* existing(applicationId))
          return { provisioning: fromProvisioning(provisioning) }
        },
        Effect.catchTags({ ProvisioningNotFound: () => Effect.fail(unknown), SqlError: () => Effect.fail(away) }),
      ),
      listProvisionings: Effect.fnUntraced(
        function* ({ states, direction, workspaceId, pageSize, pageToken }) {
          const limit = pageSize === 0 ? defaultPageSize : pageSize
          const listed = yield* provisionings.list({
            states: toStates(states),
            wanted: toWanted(direction),
            workspaceId: Option.fromUndefinedOr(workspaceId),
            after: pageToken === "" ? Option.none() : Option.some(yield* cursorOf(pageToken)),
            limit: limit + 1,
          })
          const page = listed.slice(0, limit)
          const last = page.at(-1)
          return {
            provisionings: page.map(({ provisioning }) => fromProvisioning(provisioning)),
            nextPageToken: listed.length > limit && last !== undefined ? tokenOf(last.cursor) : "",
          }
        },
        Effect.catchTag("SqlError", () => Effect.fail(away)),
      ),
      watchProvisioning: ({ applicationId, minGeneration }) =>
        Stream.unwrap(
          Effect.map(existing(applicationId), (id) =>
            provisionings.watch(id, minGeneration).pipe(
              Stream.map((provisioning) => ({ provisioning: fromProvisioning(provisioning) })),
              Stream.mapError((_: SqlError) => away),
            ),
          ),
        ),
      retryProvisioning: Effect.fnUntraced(
        function* ({ applicationId }) {
          const provisioning = yield* provisionings.retry(yield* existing(applicationId))
          return { provisioning: fromProvisioning(provisioning) }
        },
        Effect.catchTags({ ProvisioningNotFound: () => Effect.fail(unknown), SqlError: () => Effect.fail(away) }),
      ),
    }
  }),
)

const unknown = new NotFound({ reason: "NOT_FOUND", message: "there is no such application" })
const away = new Unavailable({ reason: "UNAVAILABLE", message: "the provisioner's database is away" })
const badToken = new InvalidRequest({
  reason: "INVALID_REQUEST",
  message: "the page token is none of ours",
  violations: [{ field: "page_token", description: "must be the next_page_token of a page" }],
})

/** An id that can name an application; any other names none. */
const existing = (id: string) => Effect.mapError(Schema.decodeEffect(ApplicationId)(id), () => unknown)

const tokenOf = ({ updatedMicros, id }: Cursor): string => Buffer.from(`${updatedMicros}.${id}`).toString("base64url")

const cursorOf = (token: string): Effect.Effect<Cursor, InvalidRequest> => {
  const match = /^(\d{1,18})\.(app_[a-z2-7]{16})$/.exec(Buffer.from(token, "base64url").toString("latin1"))
  return match?.[1] === undefined || match[2] === undefined
    ? Effect.fail(badToken)
    : Effect.succeed({ updatedMicros: BigInt(match[1]), id: match[2] })
}
