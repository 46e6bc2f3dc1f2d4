import * as Duration from "effect/Duration"
import { describe, expect, it } from "vitest"
import { due, type KeyState } from "./KeyRotation.ts"

const key = (state: KeyState["state"], since: Duration.Input, hasPrivateKey = true): KeyState => ({
  state,
  sinceMillis: Duration.toMillis(Duration.fromInputUnsafe(since)),
  hasPrivateKey,
})

describe("the rotation of keys", () => {
  it.each([
    ["begins with a key", [], "first"],
    ["makes one where those that are there sign no more", [key("signed", "1 hour", false)], "first"],
    ["makes one at once where the next is still to come", [key("coming", 0)], "first"],
    ["leaves a young key alone", [key("signing", "88 days")], undefined],
    ["publishes the next key a day before it signs", [key("signing", "89 days")], "next"],
    ["publishes it once", [key("coming", 0), key("signing", "89 days")], undefined],
    [
      "keeps a key that signed until everybody knows",
      [key("signing", "4 minutes"), key("signed", "4 minutes")],
      undefined,
    ],
    ["destroys it then", [key("signing", "5 minutes"), key("signed", "5 minutes")], "retire"],
    ["destroys it once", [key("signing", "1 hour"), key("signed", "1 hour", false)], undefined],
  ] as const)("%s", (_, keys, what) => {
    expect(due(keys)).toBe(what)
  })
})
