/** User -> authsome.identity.v1: the whole account for backend services, the profile for a tenant's API. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionUserSchema } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import type { EndUserSchema } from "#gen/authsome/identity/v1/tenant_user_pb.ts"
import type { UserSchema } from "#gen/authsome/identity/v1/user_pb.ts"
import { idToUuid, uuidToId } from "#shared/ids/Id.ts"
import { type KeptUser, type User, UserId, UserNotFound } from "./User.ts"

export const toTimestamp = (time: DateTime.Utc): Timestamp => timestampFromMs(DateTime.toEpochMillis(time))

/** The contract of the mesh has checked that an id is a UUID; the database has them in lower case. */
export const userIdOf = (text: string): UserId => UserId.make(text.toLowerCase())

/** What a tenant's API calls the user. */
export const publicUserId = (id: UserId): string => uuidToId("usr", id)

/** The user that a tenant's API means; an id that stands for no UUID was never given out, so nobody has it. */
export const fromPublicUserId = (text: string): Effect.Effect<UserId, UserNotFound> =>
  Effect.fromOption(
    Option.map(idToUuid("usr", text), (uuid) => UserId.make(uuid)),
    () => new UserNotFound(),
  )

const profileOf = (user: User) => ({
  avatarUrl: user.avatarUrl ?? "",
  firstName: user.firstName ?? "",
  lastName: user.lastName ?? "",
  bio: user.bio ?? "",
  location: user.location ?? "",
  phoneNumber: user.phoneNumber ?? "",
  phoneVerified: user.phoneVerified,
  totpEnabled: user.totpEnabled,
  active: user.isActive,
  createdAt: toTimestamp(user.createdAt),
  updatedAt: toTimestamp(user.updatedAt),
  ...(user.lastLoginAt === null ? {} : { lastLoginAt: toTimestamp(user.lastLoginAt) }),
})

export const toUser = (user: User): MessageInitShape<typeof UserSchema> => ({
  ...profileOf(user),
  id: user.id,
  username: user.username ?? "",
  email: user.email ?? "",
  emailVerified: user.emailVerified,
  displayName: user.displayName ?? "",
  failedLoginAttempts: user.failedLoginAttempts,
  ...(user.lockedUntil === null ? {} : { lockedUntil: toTimestamp(user.lockedUntil) }),
  ...(user.passwordChangedAt === null ? {} : { passwordChangedAt: toTimestamp(user.passwordChangedAt) }),
})

export const toKeptUser = (user: KeptUser): MessageInitShape<typeof UserSchema> => ({
  ...toUser(user),
  ...(user.deletedAt === null ? {} : { deletedAt: toTimestamp(user.deletedAt) }),
})

export const toSessionUser = (user: User): MessageInitShape<typeof SessionUserSchema> => ({
  id: publicUserId(user.id),
  email: user.email ?? "",
  name: user.displayName ?? "",
  emailVerified: user.emailVerified,
  createdAt: toTimestamp(user.createdAt),
})

export const toEndUser = (user: User): MessageInitShape<typeof EndUserSchema> => ({
  ...profileOf(user),
  id: publicUserId(user.id),
  email: user.email ?? "",
  name: user.displayName ?? "",
  emailVerified: user.emailVerified,
})
