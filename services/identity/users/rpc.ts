/** authsome.identity.v1.TenantUserService: the end users of an instance. */
import * as Effect from "effect/Effect"
import { TenantUserService } from "#gen/authsome/identity/v1/tenant_user_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import * as TenantPrivacyRpc from "../privacy/TenantPrivacyRpc.ts"
import { refuse } from "../proto.ts"
import { endUser } from "../tenant/rpc.ts"
import { Authenticators } from "../totp/Authenticators.ts"
import { pageOf } from "./Page.ts"
import { fromPublicUserId, toEndUser } from "./proto.ts"
import type { User, UsernameTaken } from "./User.ts"
import { type UpdatedUser, Users } from "./Users.ts"

const toAnswer = (user: User) => ({ user: toEndUser(user) })

const toUpdated = ({ user, updated }: UpdatedUser) =>
  Effect.as(updated ? changed({ type: "user", id: user.id }) : unchanged, toAnswer(user))

// Only a change of the username can find it taken, and this API has none.
const noUsername = ({ _tag }: UsernameTaken) => Effect.die(new Error(_tag))

export const layer = Handlers.layer(
  TenantUserService,
  Effect.gen(function* () {
    const users = yield* Users
    const authenticators = yield* Authenticators
    const privacy = yield* TenantPrivacyRpc.handlers

    return {
      ...privacy,

      listEndUsers: ({ search, active, ...request }) =>
        users.list({ search, usernames: false, active }, pageOf(request)).pipe(
          Effect.map(({ data, ...page }) => ({ ...page, data: data.map(toEndUser) })),
          Effect.catch(refuse),
        ),

      getEndUser: ({ userId }) =>
        fromPublicUserId(userId).pipe(Effect.flatMap(users.get), Effect.map(toAnswer), Effect.catch(refuse)),

      updateEndUser: ({ userId, name, avatarUrl, firstName, lastName, bio, location, phoneNumber, active }) =>
        fromPublicUserId(userId).pipe(
          Effect.flatMap((id) =>
            users.updateProfile(id, {
              ...{ displayName: name, avatarUrl, firstName, lastName, bio, location, phoneNumber, active },
            }),
          ),
          Effect.flatMap(toUpdated),
          Effect.catchTag("UsernameTaken", noUsername),
          Effect.catch(refuse),
        ),

      resetEndUserTotp: Effect.fnUntraced(function* ({ userId }) {
        const id = yield* fromPublicUserId(userId)
        const wasOn = yield* authenticators.reset(id)
        yield* wasOn ? changed({ type: "user", id }) : unchanged
        return {}
      }, Effect.catch(refuse)),

      getOwnUser: Effect.fnUntraced(function* () {
        const { userId } = yield* endUser
        return toAnswer(yield* Effect.catch(users.get(userId), refuse))
      }),

      updateOwnUser: Effect.fnUntraced(function* ({
        name,
        avatarUrl,
        firstName,
        lastName,
        bio,
        location,
        phoneNumber,
      }) {
        const { userId } = yield* endUser
        const change = { displayName: name, avatarUrl, firstName, lastName, bio, location, phoneNumber }
        const updated = yield* users
          .updateProfile(userId, change)
          .pipe(Effect.catchTag("UsernameTaken", noUsername), Effect.catch(refuse))
        return yield* toUpdated(updated)
      }),
    }
  }),
)
