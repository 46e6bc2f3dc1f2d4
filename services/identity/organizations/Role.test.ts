import { describe, expect, it } from "vitest"
import { actions, may, toManage } from "./Role.ts"

const granted = (role: "owner" | "admin" | "member") => actions.filter((action) => may(role, action))

describe("the table of roles", () => {
  it("lets the owner do everything", () => {
    expect(granted("owner")).toEqual(actions)
  })

  it("lets an admin do everything but delete the organization and deal with owners", () => {
    const kept = ["organization.delete", "owners.manage"]
    expect(granted("admin")).toEqual(actions.filter((action) => !kept.includes(action)))
  })

  it("lets a member look", () => {
    expect(granted("member")).toEqual(["organization.read", "members.read"])
  })

  it.each([
    [["member"], "members.manage"],
    [["admin", "member"], "members.manage"],
    [["owner"], "owners.manage"],
    [["owner", "member"], "owners.manage"],
    [["member", "owner"], "owners.manage"],
  ] as const)("to manage %s takes %s", (roles, action) => {
    expect(toManage(...roles)).toBe(action)
  })
})
