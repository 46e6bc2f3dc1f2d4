import { describe, expect, it } from "vitest"
import { slugOf, slugWith } from "./Slug.ts"

const shape = /^[a-z0-9](-?[a-z0-9])*$/

describe("a slug made from a name", () => {
  it.each([
    ["Acme Production", "acme-production"],
    ["  Café -- Zürich! ", "cafe-zurich"],
    ["ＦＵＬＬ width", "full-width"],
    ["日本 2", "2"],
  ])("%s gives %s", (name, slug) => {
    expect(slugOf(name)).toBe(slug)
  })

  it("is none where nothing is left of the name", () => {
    expect(slugOf("日本")).toBeUndefined()
  })

  it("is a slug whatever the name, and with a suffix too", () => {
    for (const name of ["a".repeat(200), `${"a".repeat(49)} b`, "- -1", "A_B.C"]) {
      const slug = slugOf(name) ?? ""
      expect(slug).toMatch(shape)
      expect(slug.length).toBeLessThanOrEqual(50)
      expect(slugWith(slug, "x2y3")).toMatch(shape)
      expect(slugWith(slug, "x2y3").length).toBeLessThanOrEqual(50)
    }
  })
})
