import { expect, it } from "vitest"
import { makeRouteMemory } from "./RouteMemory.ts"

const verdict = (applicationId: string, version: number) => ({ applicationId, version })

it("forgets the named keys of an application, or all of it, and nothing that is newer than the change", () => {
  const memory = makeRouteMemory(10)
  memory.set("a1", verdict("a", 1))
  memory.set("a2", verdict("a", 1))
  memory.set("a3", verdict("a", 5))
  memory.set("b1", verdict("b", 1))
  expect(memory.forget("a", ["a1", "b1", "unknown"], 3)).toBe(1)
  expect([memory.get("a1"), memory.get("b1")]).toEqual([undefined, verdict("b", 1)])
  expect(memory.forget("a", [], 5)).toBe(1)
  expect([memory.get("a2"), memory.get("a3")?.version]).toEqual([undefined, 5])
  expect(memory.forget("nobody", [], 9)).toBe(0)
})

it("forgets nothing by halves when it runs out of room", () => {
  const memory = makeRouteMemory(2)
  for (const key of ["k1", "k2", "k3"]) memory.set(key, verdict("a", 1))
  expect(memory.size).toBe(2)
  expect(memory.forget("a", [], 2)).toBe(2)
  expect(memory.size).toBe(0)
})

it("can be emptied", () => {
  const memory = makeRouteMemory(5)
  memory.set("k", verdict("a", 1))
  memory.delete("k")
  memory.set("k", verdict("a", 2))
  expect([memory.clear(), memory.size, memory.forget("a", [], 9)]).toEqual([1, 0, 0])
})
