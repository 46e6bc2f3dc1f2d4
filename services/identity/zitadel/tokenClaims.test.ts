import { describe, expect, it } from "vitest"
import { claimRules, sourceClaim } from "./claims.ts"
import { zitadelUser } from "./testing/SignedCall.ts"
import { claimsOfZitadelUser, tokenClaims } from "./tokenClaims.ts"

const values = { string: undefined, boolean: false, unixSeconds: 7 }

describe("the claims of a token", () => {
  it("have the standard names, or one of ours", () => {
    const claims = Object.fromEntries(claimRules.map(({ claim, type }) => [claim, values[type] ?? claim]))
    expect(tokenClaims(claims, "live")).toEqual([
      { key: "preferred_username", value: "preferred_username" },
      { key: "name", value: "name" },
      { key: "email", value: "email" },
      { key: "email_verified", value: false },
      { key: "picture", value: "picture" },
      { key: "given_name", value: "given_name" },
      { key: "family_name", value: "family_name" },
      { key: "https://nova.app/claims/bio", value: "bio" },
      { key: "locale", value: "locale" },
      { key: "phone_number", value: "phone_number" },
      { key: "phone_number_verified", value: false },
      { key: "https://nova.app/claims/created_at", value: 7 },
      { key: "https://nova.app/claims/updated_at", value: 7 },
      { key: "https://nova.app/claims/source", value: "live" },
    ])
  })

  it("are none that the table does not name, and none without a value of their type", () => {
    const others = {
      sub: "x",
      iss: "x",
      roles: "admin",
      picture: null,
      email: 7,
      email_verified: "yes",
      created_at: "x",
      bio: "b".repeat(4097),
    }
    const claims = { ...others, name: "Ada" }
    expect(tokenClaims(claims, "cache")).toEqual([
      { key: "name", value: "Ada" },
      { key: sourceClaim, value: "cache" },
    ])
  })
})

describe("the claims that Zitadel itself knows", () => {
  it("are those of a person", () => {
    expect(claimsOfZitadelUser(zitadelUser)).toEqual({
      preferred_username: "ada-at-zitadel",
      name: "Ada at Zitadel",
      email: "ada@zitadel.example",
      email_verified: true,
    })
  })

  it("are fewer for a program, and for a person of whom little is known", () => {
    expect(claimsOfZitadelUser({ id: "1", username: "bot", machine: { name: "The bot" } })).toEqual({
      preferred_username: "bot",
      name: "The bot",
    })
    expect(
      claimsOfZitadelUser({ username: "ada", human: { display_name: "", email: 7, is_email_verified: "yes" } }),
    ).toEqual({ preferred_username: "ada", name: "ada" })
  })

  it.each([null, undefined, 7, "x", [], {}, { human: null }, { human: [] }])("are none in %j", (user) => {
    expect(claimsOfZitadelUser(user)).toEqual({})
  })
})
