import { describe, expect, it } from "vitest"
import { allowsApplications, isForSale, planTerms } from "./Plan.ts"

describe("a plan", () => {
  it("of free allows three applications and no fourth", () => {
    expect(allowsApplications("free", 3)).toBe(true)
    expect(allowsApplications("free", 4)).toBe(false)
  })

  it("of pro and enterprise has no limit of applications", () => {
    expect(allowsApplications("pro", 1_000_000)).toBe(true)
    expect(allowsApplications("enterprise", 1_000_000)).toBe(true)
  })

  it("includes and caps what the price list says", () => {
    expect(planTerms.free).toMatchObject({ includedMau: 10_000, includedStorageGb: 5, monthlyRequests: 100_000 })
    expect(planTerms.pro).toMatchObject({ includedMau: 10_000, includedStorageGb: 20, includedBandwidthGb: 100 })
    expect(planTerms.pro.monthlyRequests).toBeUndefined()
    expect([planTerms.free.keyRequestsPerSecond, planTerms.pro.keyRequestsPerSecond]).toEqual([10, 100])
    expect([planTerms.free.auditDays, planTerms.pro.auditDays]).toEqual([7, 30])
  })

  it("by contract is not for sale", () => {
    expect((["free", "pro", "enterprise"] as const).map(isForSale)).toEqual([true, true, false])
  })
})
