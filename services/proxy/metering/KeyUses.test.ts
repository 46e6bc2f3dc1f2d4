import { expect, it } from "vitest"
import { makeKeyUses } from "./KeyUses.ts"

it("keeps the latest use of each key", () => {
  const uses = makeKeyUses(10)
  uses.note("a", 5)
  uses.note("a", 9)
  uses.note("a", 7)
  uses.note("b", 1)
  expect(uses.take(10)).toEqual([
    { keyId: "a", at: 9 },
    { keyId: "b", at: 1 },
  ])
  expect(uses.take(10)).toEqual([])
})

it("gives out no more than asked for, and takes no new key without room", () => {
  const uses = makeKeyUses(2)
  for (const key of ["a", "b", "c"]) uses.note(key, 1)
  uses.note("a", 2)
  expect(uses.take(1)).toEqual([{ keyId: "a", at: 2 }])
  expect(uses.take(5)).toEqual([{ keyId: "b", at: 1 }])
})
