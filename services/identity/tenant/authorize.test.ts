import { describe, expect, it } from "vitest"
import { hasScope } from "./authorize.ts"

const key = (kind: "public" | "secret", ...scopes: ReadonlyArray<string>) => ({
  applicationId: "app_x",
  keyId: "key_x",
  kind,
  scopes,
})

describe("what a key may do", () => {
  it.each([
    ["a secret key has the scopes it was given", key("secret", "users:read"), true],
    ["a star stands for all of them", key("secret", "*"), true],
    ["another scope is not enough", key("secret", "users:write"), false],
    ["without scopes there is nothing", key("secret"), false],
    ["a public key never has a scope", key("public", "users:read", "*"), false],
  ] as const)("%s", (_, identity, allowed) => {
    expect(hasScope(identity, "users:read")).toBe(allowed)
  })
})
