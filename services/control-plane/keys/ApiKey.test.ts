import * as DateTime from "effect/DateTime"
import { describe, expect, it } from "vitest"
import { ApplicationId } from "../applications/Application.ts"
import { type KeyDraft, keyPrefix, problemsOf } from "./ApiKey.ts"

const id = ApplicationId.make("app_abcdefghij234567")
const now = DateTime.makeUnsafe("2026-01-02T03:04:05Z")
const secret: KeyDraft = { name: "k", type: "secret", scopes: ["*"], allowedOrigins: [], expiresAt: null }

describe("a key", () => {
  it("says live in production alone, and names its application", () => {
    expect(keyPrefix("secret", "production", id)).toBe("sk_live_abcdefghij234567_")
    expect(keyPrefix("public", "staging", id)).toBe("pk_test_abcdefghij234567_")
    expect(keyPrefix("secret", "development", id)).toBe("sk_test_abcdefghij234567_")
  })

  it("is asked for in order", () => {
    expect(problemsOf(secret, now)).toEqual([])
    expect(problemsOf({ ...secret, type: "public", scopes: [], allowedOrigins: ["https://a.example"] }, now)).toEqual(
      [],
    )
  })

  it.each<[string, Partial<KeyDraft>, string]>([
    ["a secret key without scopes", { scopes: [] }, "scopes"],
    ["a public key with scopes", { type: "public" }, "scopes"],
    ["a secret key with origins", { allowedOrigins: ["https://a.example"] }, "allowedOrigins"],
    ["a key that has expired", { expiresAt: now }, "expiresAt"],
  ])("is refused as %s", (_, change, field) => {
    expect(problemsOf({ ...secret, ...change }, now).map((problem) => problem.field)).toEqual([field])
  })
})
