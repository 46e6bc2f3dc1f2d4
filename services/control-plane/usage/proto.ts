/** Billing's figures as the customer reads them. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { ChargeKind } from "#gen/authsome/billing/v1/price_pb.ts"
import type { GetUsageResponse } from "#gen/authsome/billing/v1/usage_pb.ts"
import type { GetWorkspaceUsageResponseSchema } from "#gen/authsome/control/v1/usage_pb.ts"
import type { Plan } from "../workspaces/Plan.ts"
import { planTerms } from "../workspaces/Plan.ts"
import { plans } from "../workspaces/proto.ts"
import type { WorkspaceId } from "../workspaces/Workspace.ts"
import { gigabytes, overageBytesOf, overageOf } from "./Usage.ts"

export interface WorkspaceFacts {
  readonly workspaceId: WorkspaceId
  readonly plan: Plan
  /** Applications that count against the plan. */
  readonly applications: number
}

/** Costs are billing's, and unset where billing named none. */
export const toUsage = (
  { workspaceId, plan, applications }: WorkspaceFacts,
  { period, totals, estimate, billingAt }: GetUsageResponse,
): MessageInitShape<typeof GetWorkspaceUsageResponseSchema> => {
  const terms = planTerms[plan]
  const costOf = (kind: ChargeKind) => estimate?.usage.find((usage) => usage.kind === kind)?.cost
  const mau = totals?.mauCurrent ?? 0n
  const storage = totals?.storageAverageBytes ?? 0n
  const sent = totals?.sentBytes ?? 0n
  return {
    period,
    workspaceId,
    plan: plans.toProto(plan),
    usage: {
      mau: {
        current: mau,
        included: optionalBigInt(terms.includedMau),
        overage: overageOf(mau, terms.includedMau),
        cost: costOf(ChargeKind.MAU),
      },
      applications: { count: applications, limit: terms.applications },
      storage: {
        bytes: storage,
        gb: gigabytes(storage),
        included: optionalBigInt(terms.includedStorageGb),
        overage: gigabytes(overageBytesOf(storage, terms.includedStorageGb)),
        cost: costOf(ChargeKind.STORAGE),
      },
      apiRequests: { count: totals?.requests ?? 0n, included: optionalBigInt(terms.monthlyRequests) },
      bandwidth: {
        bytes: sent,
        gb: gigabytes(sent),
        included: optionalBigInt(terms.includedBandwidthGb),
        overage: gigabytes(overageBytesOf(sent, terms.includedBandwidthGb)),
        cost: costOf(ChargeKind.BANDWIDTH),
      },
    },
    estimatedCost: estimate?.total,
    billingDate: billingAt,
  }
}

const optionalBigInt = (number: number | undefined): bigint | undefined =>
  number === undefined ? undefined : BigInt(number)
