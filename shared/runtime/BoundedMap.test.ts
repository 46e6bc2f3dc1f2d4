import { expect, it } from "vitest"
import { makeBoundedMap } from "./BoundedMap.ts"

it("never holds more than its capacity, and tells what had to go", () => {
  const gone: Array<string> = []
  const map = makeBoundedMap<string, number>(2, (key) => gone.push(key))
  map.set("a", 1)
  map.set("b", 2)
  map.set("c", 3)
  expect([map.size, gone]).toEqual([2, ["a"]])
  map.delete("b")
  expect(gone).toEqual(["a"])
})

it("keeps what was read over what was not", () => {
  const map = makeBoundedMap<string, number>(3)
  for (const key of ["a", "b", "c"]) map.set(key, 0)
  map.get("a")
  map.set("d", 0)
  map.get("a")
  map.get("c")
  map.set("e", 0)
  expect([...map.entries()].map(([key]) => key).sort()).toEqual(["a", "c", "e"])
})

it("makes room even when all have been read", () => {
  const map = makeBoundedMap<number, number>(2)
  map.set(1, 1)
  map.set(2, 2)
  map.get(1)
  map.get(2)
  map.set(3, 3)
  expect([map.size, map.get(3)]).toEqual([2, 3])
})

it("replaces a value in place", () => {
  const map = makeBoundedMap<string, number>(1)
  map.set("a", 1)
  map.set("a", 2)
  expect([map.size, map.get("a"), map.get("b")]).toEqual([1, 2, undefined])
  map.clear()
  expect(map.size).toBe(0)
})
