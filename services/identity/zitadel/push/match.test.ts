import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import { User, UserId } from "../../users/User.ts"
import { match } from "./match.ts"

const id = "01890a5d-ac96-774b-bcce-b302099a8057"
const somebodyElse = "01890a5d-ac96-774b-bcce-b302099a8058"
const time = DateTime.toUtc(DateTime.makeUnsafe("2026-01-02T03:04:05Z"))

const ada = new User({
  id: UserId.make(id),
  username: "ada",
  email: "Ada@example.com",
  emailVerified: true,
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
  createdAt: time,
  updatedAt: time,
})

const unverified = new User({ ...ada, emailVerified: false })

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
