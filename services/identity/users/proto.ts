/** User -> authsome.identity.v1: the whole account for backend services, the profile for a tenant's API. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as DateTime from "effect/DateTime"
import type { SessionUserSchema } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import type { EndUserSchema } from "#gen/authsome/identity/v1/tenant_user_pb.ts"
import type { UserSchema } from "#gen/authsome/identity/v1/user_pb.ts"
import { uuidToId } from "#shared/ids/Id.ts"
import type { User, UserId } from "./User.ts"

export const toTimestamp = (time: DateTime.Utc): Timestamp => timestampFromMs(DateTime.toEpochMillis(time))

/** What a tenant's API calls the user. */
export const publicUserId = (id: UserId): string => uuidToId("usr", id)

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
