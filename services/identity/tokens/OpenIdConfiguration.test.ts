import { describe, expect, it } from "vitest"
import { openIdConfiguration } from "./OpenIdConfiguration.ts"

describe("the discovery document", () => {
  it.each([
    ["https://api.example.com/v1/app_x", "https://api.example.com/v1/app_x/.well-known/jwks.json"],
    ["https://example.com/", "https://example.com/.well-known/jwks.json"],
  ])("of the issuer %s says that its keys are at %s", (issuer, jwksUri) => {
    expect(openIdConfiguration(issuer)).toMatchObject({ issuer, jwksUri })
  })

  it.each(["app_abcdefghij234567", "nova-identity"])("of the issuer %s, which is no place, says of none", (issuer) => {
    expect(openIdConfiguration(issuer)).not.toHaveProperty("jwksUri")
  })

  it("promises no flow that is not there", () => {
    expect(openIdConfiguration("app_x").responseTypesSupported).toEqual([])
  })
})
