/** What a plan includes and allows. The numbers are the public price list's; money is billing's business. */
import * as Schema from "effect/Schema"

export const Plan = Schema.Literals(["free", "pro", "enterprise"])
export type Plan = typeof Plan.Type

export interface PlanTerms {
  /** Applications of a workspace; undefined: no limit. */
  readonly applications: number | undefined
  /** Active end users of a month that cost nothing; undefined: as the contract says. */
  readonly includedMau: number | undefined
  /** Storage that costs nothing, in GB of 1024³ bytes; undefined: as the contract says. */
  readonly includedStorageGb: number | undefined
  /** Bytes sent in a month that cost nothing, in GB of 1024³ bytes; undefined: not counted, or as the contract says. */
  readonly includedBandwidthGb: number | undefined
  /** Requests of a month through the proxy; undefined: no cap. */
  readonly monthlyRequests: number | undefined
  /** Requests that one key may make in a second. */
  readonly keyRequestsPerSecond: number
  /** How long the record of changes is kept, in days. */
  readonly auditDays: number
}

export const planTerms: Readonly<Record<Plan, PlanTerms>> = {
  free: {
    applications: 3,
    includedMau: 10_000,
    includedStorageGb: 5,
    includedBandwidthGb: undefined,
    monthlyRequests: 100_000,
    keyRequestsPerSecond: 10,
    auditDays: 7,
  },
  pro: {
    applications: undefined,
    includedMau: 10_000,
    includedStorageGb: 20,
    includedBandwidthGb: 100,
    monthlyRequests: undefined,
    keyRequestsPerSecond: 100,
    auditDays: 30,
  },
  // Until contracts are kept here, one allows what it allows at least.
  enterprise: {
    applications: undefined,
    includedMau: undefined,
    includedStorageGb: undefined,
    includedBandwidthGb: undefined,
    monthlyRequests: undefined,
    keyRequestsPerSecond: 100,
    auditDays: 2557,
  },
}

/** Whether a workspace of this plan may have so many applications. */
export const allowsApplications = (plan: Plan, count: number): boolean => {
  const { applications } = planTerms[plan]
  return applications === undefined || count <= applications
}

/** The plan is by contract: only the installation's operators set it. */
export class PlanNotForSale extends Schema.TaggedError<PlanNotForSale>()("PlanNotForSale", { plan: Plan }) {}

/** Whether a customer may choose the plan without us. */
export const isForSale = (plan: Plan): boolean => plan !== "enterprise"
