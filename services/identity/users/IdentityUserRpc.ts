/** The part of authsome.identity.v1.IdentityService that is about users and their profiles. */
import * as Effect from "effect/Effect"
import type { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import type * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { pageOf } from "./Page.ts"
import { toKeptUser, toUser, userIdOf } from "./proto.ts"
import { Users } from "./Users.ts"

type Names = "getUser" | "batchGetUsers" | "batchResolveUsernames" | "listUsers" | "updateUserProfile" | "deleteUser"

export const handlers = Effect.gen(function* () {
  const users = yield* Users

  const made: Pick<Handlers.Handlers<typeof IdentityService>, Names> = {
    getUser: ({ userId }) =>
      users.get(userIdOf(userId)).pipe(
        Effect.map((user) => ({ user: toUser(user) })),
        Effect.catch(refuse),
      ),

    batchGetUsers: ({ userIds }) =>
      users.getAll(userIds.map(userIdOf)).pipe(
        Effect.map((found) => ({ users: found.map(toUser) })),
        Effect.catch(refuse),
      ),

    batchResolveUsernames: ({ usernames }) =>
      users.resolve(usernames).pipe(
        Effect.map((resolved) => ({ usernames: [...resolved] })),
        Effect.catch(refuse),
      ),

    listUsers: ({ search, active, ...request }) =>
      users.list({ search, usernames: true, active }, pageOf(request)).pipe(
        Effect.map(({ data, ...page }) => ({ ...page, data: data.map(toUser) })),
        Effect.catch(refuse),
      ),

    updateUserProfile: ({
      userId,
      username,
      displayName,
      avatarUrl,
      firstName,
      lastName,
      bio,
      location,
      phoneNumber,
    }) =>
      users
        .updateProfile(userIdOf(userId), {
          ...{ username, displayName, avatarUrl, firstName, lastName, bio, location, phoneNumber },
        })
        .pipe(
          Effect.tap(({ user, updated }) => (updated ? changed({ type: "user", id: user.id }) : unchanged)),
          Effect.map(({ user }) => ({ user: toUser(user) })),
          Effect.catch(refuse),
        ),

    deleteUser: ({ userId }) =>
      users.remove(userIdOf(userId)).pipe(
        Effect.tap(({ user, removed }) => (removed ? changed({ type: "user", id: user.id }) : unchanged)),
        Effect.map(({ user }) => ({ user: toKeptUser(user) })),
        Effect.catch(refuse),
      ),
  }
  return made
})
