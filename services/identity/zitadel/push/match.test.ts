import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import { User } from "../../users/User.ts"
import { ada as unverified } from "../testing/ada.ts"
import { match } from "./match.ts"

const { id } = unverified
const somebodyElse = "01890a5d-ac96-774b-bcce-b302099a8058"
const ada = new User({ ...unverified, email: "Ada@example.com", emailVerified: true })

const candidate = (zitadelId: string, verifiedEmail: string | undefined, named?: string) => ({
  user: { id: zitadelId, organization: "1", verifiedEmail },
  notes: new Map(named === undefined ? [] : [["nova_user_id", named]]),
})

/** The id of whom it is taken for. */
const matched = (user: User, ...candidates: ReadonlyArray<ReturnType<typeof candidate>>) =>
  Option.getOrUndefined(Option.map(match(user, candidates), (found) => found.id))

describe("who in Zitadel is a person of ours", () => {
  it("is whoever is noted as such, in whichever form", () => {
    for (const named of [id, id.replaceAll("-", ""), `"${id}"`]) {
      expect(matched(unverified, candidate("7", undefined, named), candidate("8", "ada@example.com"))).toBe("7")
    }
  })

  it("is whoever was imported with our id", () => {
    for (const own of [id, id.replaceAll("-", "")]) {
      expect(matched(unverified, candidate(own, undefined), candidate("8", "ada@example.com"))).toBe(own)
    }
  })

  it("is whoever has the address, verified on both sides", () => {
    expect(matched(ada, candidate("8", "ada@EXAMPLE.com"))).toBe("8")
    expect(matched(ada, candidate("8", undefined))).toBeUndefined()
    expect(matched(unverified, candidate("8", "ada@example.com"))).toBeUndefined()
    expect(matched(ada, candidate("8", "other@example.com"))).toBeUndefined()
  })

  it("is nobody who is noted as somebody else, or as nonsense", () => {
    for (const named of [somebodyElse, "nonsense", ""]) {
      expect(matched(ada, candidate("8", "ada@example.com", named), candidate(id, undefined, named))).toBeUndefined()
    }
  })

  it("is nobody where it may be two", () => {
    expect(matched(ada, candidate("8", "ada@example.com"), candidate("9", "ada@example.com"))).toBeUndefined()
    expect(matched(ada, candidate("8", undefined, id), candidate("9", undefined, id))).toBeUndefined()
    expect(matched(ada)).toBeUndefined()
  })
})
