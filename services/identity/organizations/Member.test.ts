import { describe, expect, it } from "vitest"
import { leavesNoOwner } from "./Member.ts"

const owner = { role: "owner", status: "active" } as const

describe("an organization is without an owner", () => {
  it.each([
    ["when its only owner goes", owner, undefined, 0, true],
    ["when its only owner becomes something else", owner, "admin", 0, true],
    ["not when there is another one", owner, undefined, 1, false],
    ["not when the only one stays what they are", owner, "owner", 0, false],
    ["not when an admin goes", { ...owner, role: "admin" }, undefined, 0, false],
    ["not when somebody is not to become one any more", { ...owner, status: "invited" }, undefined, 0, false],
  ] as const)("%s", (_, member, next, others, without) => {
    expect(leavesNoOwner(member, next, others)).toBe(without)
  })
})
