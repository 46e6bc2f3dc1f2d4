/** authsome.control.v1.KeyService: message in, use case, message out. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { KeyService } from "#gen/authsome/control/v1/key_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { FailedPrecondition, invalidFields, NotFound } from "#shared/rpc/PublicError.ts"
import { ApplicationId } from "../applications/Application.ts"
import { applicationNotFound } from "../applications/rpc.ts"
import { pageOf } from "../Page.ts"
import { fromTimestamp } from "../timestamp.ts"
import { currentUser } from "../users/authenticate.ts"
import { workspaceNotActive } from "../workspaces/rpc.ts"
import { ApiKeyId } from "./ApiKey.ts"
import { ApiKeys } from "./ApiKeys.ts"
import { keyTypes, toApiKey } from "./proto.ts"

export const layer = Handlers.layer(
  KeyService,
  Effect.gen(function* () {
    const keys = yield* ApiKeys
    return {
      listKeys: Effect.fnUntraced(function* (request) {
        const found = yield* keys.list(ApplicationId.make(request.applicationId), pageOf(request))
        return { ...found, data: found.data.map(toApiKey) }
      }),
      createKey: Effect.fnUntraced(
        function* ({ applicationId, name, type, scopes, allowedOrigins, expiresAt }) {
          const { userId } = yield* currentUser
          const expiry = Option.map(Option.fromUndefinedOr(expiresAt), fromTimestamp)
          if (Option.isSome(expiry) && Option.isNone(expiry.value)) return yield* noTime
          const { apiKey, key } = yield* keys.create(userId, ApplicationId.make(applicationId), {
            name,
            type: keyTypes.fromValid(type),
            scopes,
            allowedOrigins,
            expiresAt: Option.getOrNull(Option.flatten(expiry)),
          })
          yield* changed({ type: "key", id: apiKey.id })
          return { apiKey: { ...toApiKey(apiKey), key: Redacted.value(key) } }
        },
        Effect.catchTags({
          KeyDraftRefused: ({ problems }) => invalidFields(problems),
          KeyLimitReached: ({ limit }) =>
            new FailedPrecondition({ reason: "LIMIT_REACHED", message: `an application may have ${limit} keys` }),
          ApplicationNotFound: () => applicationNotFound,
          ApplicationStatusConflict: ({ status }) =>
            new FailedPrecondition({
              reason: "APPLICATION_STATUS_CONFLICT",
              message: `the application is ${status}`,
              metadata: { status },
            }),
          WorkspaceNotActive: () => workspaceNotActive,
        }),
      ),
      deleteKey: ({ applicationId, keyId }) =>
        keys.revoke(ApplicationId.make(applicationId), ApiKeyId.make(keyId)).pipe(
          Effect.flatMap((revoked) => (revoked ? changed({ type: "key", id: keyId }) : unchanged)),
          Effect.as({}),
          Effect.catchTag("ApiKeyNotFound", () => keyNotFound),
        ),
    }
  }),
)

const keyNotFound = new NotFound({ reason: "NOT_FOUND", message: "the application has no such key" })
const noTime = invalidFields([{ field: "expiresAt", description: "is no time" }])
