import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import { parseUserId } from "./User.ts"

const dashed = "01890a5d-ac96-774b-bcce-b302099a8057"

describe("a user id", () => {
  it.each([dashed, dashed.replaceAll("-", ""), dashed.toUpperCase(), dashed.replaceAll("-", "").toUpperCase()])(
    "is a UUID with all dashes or none, in any case: %s",
    (text) => {
      expect(parseUserId(text)).toEqual(Option.some(dashed))
    },
  )

  it.each([
    "",
    "nonsense",
    "123",
    `${dashed} `,
    `{${dashed}}`,
    `${dashed}0`,
    dashed.slice(1),
    dashed.replace("-", ""),
    dashed.replace("0", "g"),
    `urn:uuid:${dashed}`,
    "usr_aeixuvnms53uxpgowmbati5ak4",
    "'; DROP TABLE users; --",
  ])("is nothing else: %s", (text) => {
    expect(parseUserId(text)).toEqual(Option.none())
  })
})
