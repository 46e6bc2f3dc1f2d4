/** Somebody who has said nothing of themselves. */
import * as DateTime from "effect/DateTime"
import { User, UserId } from "../../users/User.ts"

const time = (text: string) => DateTime.toUtc(DateTime.makeUnsafe(text))

export const ada = new User({
  id: UserId.make("01890a5d-ac96-774b-bcce-b302099a8057"),
  username: "ada",
  email: "ada@example.com",
  emailVerified: false,
  displayName: null,
  avatarUrl: null,
  firstName: null,
  lastName: null,
  bio: null,
  location: null,
  phoneNumber: null,
  phoneVerified: false,
  totpEnabled: false,
  isActive: true,
  failedLoginAttempts: 0,
  lockedUntil: null,
  lastLoginAt: null,
  passwordChangedAt: null,
  createdAt: time("2026-01-02T03:04:05.999Z"),
  updatedAt: time("2026-02-03T04:05:06Z"),
})
