import { describe, expect, it } from "vitest"
import { changeProfile, type Profile } from "./Profile.ts"

const before: Profile = {
  username: "ada",
  displayName: "Ada",
  avatarUrl: null,
  firstName: null,
  lastName: null,
  bio: "Hello.",
  location: null,
  phoneNumber: "+442071838750",
  phoneVerified: true,
  isActive: true,
}

describe("a profile change", () => {
  it("sets what it names, clears what is empty, and leaves the rest", () => {
    expect(changeProfile(before, { displayName: "Countess", bio: "", location: undefined })).toEqual({
      profile: { ...before, displayName: "Countess", bio: null },
      changed: ["displayName", "bio"],
    })
  })

  it("changes nothing where everything is as it was", () => {
    expect(changeProfile(before, { displayName: "Ada", avatarUrl: "", active: true })).toEqual({
      profile: before,
      changed: [],
    })
  })

  it("makes another phone number one that is not verified", () => {
    expect(changeProfile(before, { phoneNumber: "+4915112345678" })).toEqual({
      profile: { ...before, phoneNumber: "+4915112345678", phoneVerified: false },
      changed: ["phoneNumber", "phoneVerified"],
    })
    expect(changeProfile(before, { phoneNumber: "+442071838750" }).changed).toEqual([])
  })

  it("suspends and opens again", () => {
    expect(changeProfile(before, { active: false })).toEqual({
      profile: { ...before, isActive: false },
      changed: ["isActive"],
    })
  })
})
