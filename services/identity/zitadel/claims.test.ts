import { describe, expect, it } from "vitest"
import { User } from "../users/User.ts"
import { claimRules, claimsOf } from "./claims.ts"
import { ada } from "./testing/ada.ts"

const full = {
  ...ada,
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
    expect(claimsOf(ada)).toEqual({ ...always, name: "ada", email_verified: false, picture: null })
  })

  it("say that a number is not verified only where there is a number", () => {
    expect(claimsOf(new User({ ...full, phoneVerified: false }))).toMatchObject({ phone_number_verified: false })
    expect(claimsOf(ada)).not.toHaveProperty("phone_number_verified")
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
