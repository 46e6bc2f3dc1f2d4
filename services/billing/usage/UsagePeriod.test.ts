import { expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import { endOf, parsePeriod, periodOf, UsagePeriod } from "./UsagePeriod.ts"

it("a month begins and ends at midnight in UTC", () => {
  const end = Date.UTC(2026, 2, 1)
  expect(periodOf(end - 1)).toBe("2026-02")
  expect(periodOf(end)).toBe("2026-03")
  expect(endOf(UsagePeriod.make("2026-02"))).toBe(end)
  expect(endOf(UsagePeriod.make("2026-12"))).toBe(Date.UTC(2027, 0, 1))
})

it("a text that is not a month, or of another millennium, is no period", () => {
  expect(parsePeriod("2026-02")).toEqual(Option.some("2026-02"))
  for (const text of ["", "2026", "2026-13", "2026-00", "2026-2", "0000-01", "9999-12", "2026-02-01", " 2026-02"]) {
    expect(parsePeriod(text), text).toEqual(Option.none())
  }
})
