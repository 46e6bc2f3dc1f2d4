import { describe, expect, it } from "vitest"
import { mergePatch, problemOf } from "./Metadata.ts"

describe("a patch of metadata", () => {
  // RFC 7396, appendix A.
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("turns %j by %j into %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result)
  })

  it("does not touch what every object inherits", () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'))
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false)
    expect(JSON.stringify(merged)).toBe('{"__proto__":{"polluted":true}}')
  })
})

describe("metadata", () => {
  it("is kept up to 16 KiB", () => {
    expect(problemOf({ a: "x".repeat(16 * 1024 - 8) })).toBeUndefined()
    expect(problemOf({ a: "x".repeat(16 * 1024 - 7) })).toContain("16 KiB")
  })

  it("is refused where the database could not keep it", () => {
    expect(problemOf({ a: ["\0"] })).toContain("characters")
    expect(problemOf({ "\ud800": 1 })).toContain("characters")
    expect(problemOf(JSON.parse(`${'{"a":'.repeat(40)}1${"}".repeat(40)}`))).toContain("deeper")
  })
})
