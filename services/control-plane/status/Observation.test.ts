import * as DateTime from "effect/DateTime"
import { describe, expect, it } from "vitest"
import { ApplicationId, type ApplicationStatus } from "../applications/Application.ts"
import { KnownState, type Observation, weigh } from "./Observation.ts"

const id = ApplicationId.make("app_abcdefghij234567")
const at = (second: number) => DateTime.makeUnsafe(Date.UTC(2026, 0, 1, 0, 0, second))
const known = (status: ApplicationStatus, generation: bigint, observed?: readonly [bigint, number]) =>
  new KnownState({
    id,
    generation,
    status,
    statusReason: null,
    instanceUrl: null,
    observedGeneration: observed?.[0] ?? 0n,
    observedAt: observed === undefined ? null : at(observed[1]),
  })
const report = (status: ApplicationStatus, generation: bigint, second: number): Observation => ({
  applicationId: id,
  generation,
  status,
  reason: null,
  instanceUrl: null,
  occurredAt: at(second),
})

describe("a report of the provisioner", () => {
  it("is news where it changes something", () => {
    expect(weigh(known("provisioning", 1n), report("active", 1n, 1))).toBe("changed")
    expect(weigh(known("active", 1n, [1n, 1]), report("failed", 1n, 2))).toBe("changed")
  })

  it("that says what is known confirms it", () => {
    expect(weigh(known("active", 1n, [1n, 1]), report("active", 1n, 1))).toBe("confirmed")
    expect(weigh(known("active", 1n, [1n, 1]), report("active", 1n, 2))).toBe("confirmed")
  })

  it("about a state that is no longer wanted is stale", () => {
    expect(weigh(known("restarting", 2n, [1n, 1]), report("active", 1n, 9))).toBe("stale")
    expect(weigh(known("active", 2n, [2n, 1]), report("failed", 1n, 9))).toBe("stale")
  })

  it("that comes after a later one of its generation is stale", () => {
    expect(weigh(known("active", 1n, [1n, 5]), report("provisioning", 1n, 4))).toBe("stale")
    expect(weigh(known("active", 2n, [1n, 5]), report("provisioning", 2n, 4))).toBe("changed")
  })

  it("brings back nothing that is gone", () => {
    expect(weigh(known("deleted", 1n, [1n, 1]), report("active", 2n, 2))).toBe("stale")
  })
})
