import * as DateTime from "effect/DateTime"
import { describe, expect, it } from "vitest"
import { User, UserId } from "../users/User.ts"
import { claimRules, claimsOf } from "./claims.ts"

const time = (text: string) => DateTime.toUtc(DateTime.makeUnsafe(text))

const bare = {
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
}

const full = {
  ...bare,
  emailVerified: true,
  displayName: "Ada Lovelace",
  avatarUrl: "https://cdn.example.com/ada.jpg",
  firstName: "Ada",
  lastName: "Lovelace",
  bio: "First of her kind.",
  location: "London",
  phoneNumber: "+442071838750",
  phoneVerified: true,
}

const always = {
  sub: "01890a5d-ac96-774b-bcce-b302099a8057",
  preferred_username: "ada",
  email: "ada@example.com",
  created_at: 1767323045,
  updated_at: 1770091506,
}

describe("the claims of a user", () => {
  it("are all there for a full profile", () => {
    expect(claimsOf(new User(full))).toEqual({
      ...always,
      name: "Ada Lovelace",
      email_verified: true,
      picture: "https://cdn.example.com/ada.jpg",
      given_name: "Ada",
      family_name: "Lovelace",
      bio: "First of her kind.",
      locale: "London",
      phone_number: "+442071838750",
      phone_number_verified: true,
    })
  })

  it("leave out what has no value, but for name and picture", () => {
    expect(claimsOf(new User(bare))).toEqual({ ...always, name: "ada", email_verified: false, picture: null })
  })

  it("say that a number is not verified only where there is a number", () => {
    expect(claimsOf(new User({ ...full, phoneVerified: false }))).toMatchObject({ phone_number_verified: false })
    expect(claimsOf(new User(bare))).not.toHaveProperty("phone_number_verified")
  })

  it("name each claim once, in the order of the documentation", () => {
    expect(claimRules.map(({ claim }) => claim)).toEqual([
      "sub",
      "preferred_username",
      "name",
      "email",
      "email_verified",
      "picture",
      "given_name",
      "family_name",
      "bio",
      "locale",
      "phone_number",
      "phone_number_verified",
      "created_at",
      "updated_at",
    ])
  })
})
