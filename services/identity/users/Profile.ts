/** What people may change of their accounts, and what a change does. */
import type { User } from "./User.ts"

/** The fields that a change may name. */
const fields = [
  "username",
  "displayName",
  "avatarUrl",
  "firstName",
  "lastName",
  "bio",
  "location",
  "phoneNumber",
] as const

export type ProfileField = (typeof fields)[number]

/** The part of an account that a profile change writes. */
export type Profile = Pick<User, ProfileField | "phoneVerified" | "isActive">

/** A field that is absent stays; one that is empty is cleared. `active` suspends an account, or opens it again. */
export type ProfileChange = Readonly<Partial<Record<ProfileField, string | undefined>>> & {
  readonly active?: boolean | undefined
}

export interface ChangedProfile {
  readonly profile: Profile
  /** What differs from before; empty where nothing does. */
  readonly changed: ReadonlyArray<keyof Profile>
}

/** The profile after the change. Another phone number than before counts as not verified. */
export const changeProfile = (before: Profile, change: ProfileChange): ChangedProfile => {
  const after = (field: ProfileField): string | null => {
    const wanted = change[field]
    return wanted === undefined ? before[field] : wanted === "" ? null : wanted
  }
  const phoneNumber = after("phoneNumber")
  const profile: Profile = {
    username: after("username"),
    displayName: after("displayName"),
    avatarUrl: after("avatarUrl"),
    firstName: after("firstName"),
    lastName: after("lastName"),
    bio: after("bio"),
    location: after("location"),
    phoneNumber,
    phoneVerified: before.phoneVerified && phoneNumber === before.phoneNumber,
    isActive: change.active ?? before.isActive,
  }
  const changed = ([...fields, "phoneVerified", "isActive"] as const).filter(
    (field) => profile[field] !== before[field],
  )
  return { profile, changed }
}

/** The name of each field of a profile in the contract's `User`. */
export const contractNames: Readonly<Record<keyof Profile, string>> = {
  username: "username",
  displayName: "display_name",
  avatarUrl: "avatar_url",
  firstName: "first_name",
  lastName: "last_name",
  bio: "bio",
  location: "location",
  phoneNumber: "phone_number",
  phoneVerified: "phone_verified",
  isActive: "active",
}
