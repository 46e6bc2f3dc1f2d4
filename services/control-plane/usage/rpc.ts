/** authsome.control.v1.UsageService: billing's figures beside the plan. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { UsageService } from "#gen/authsome/control/v1/usage_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { type PublicError, Unavailable } from "#shared/rpc/PublicError.ts"
import { Applications } from "../applications/Applications.ts"
import { workspaceNotFound } from "../workspaces/rpc.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"
import { WorkspaceStore } from "../workspaces/WorkspaceStore.ts"
import { Billing } from "./client.ts"
import { toUsage } from "./proto.ts"

export const layer = Handlers.layer(
  UsageService,
  Effect.gen(function* () {
    const billing = yield* Billing
    const workspaces = yield* WorkspaceStore
    const applications = yield* Applications
    return {
      getWorkspaceUsage: Effect.fnUntraced(function* ({ workspaceId: id, period }) {
        const workspaceId = WorkspaceId.make(id)
        const tenancy = yield* workspaces.tenancy(workspaceId)
        if (Option.isNone(tenancy)) return yield* workspaceNotFound
        const count = yield* applications.count(workspaceId)
        const usage = yield* billing.usage.getUsage({ workspaceId, period }).pipe(
          Effect.tapError(({ reason }) => Effect.logWarning("billing gave no usage", { reason })),
          Effect.mapError(away),
        )
        return toUsage({ workspaceId, plan: tenancy.value.plan, applications: count }, usage)
      }),
    }
  }),
)

/** Whatever hinders billing, the customer's request was right. */
const away = (error: PublicError): PublicError => {
  switch (error._tag) {
    case "DeadlineExceeded":
    case "Canceled":
      return error
    default:
      return new Unavailable({ reason: "UNAVAILABLE", message: "usage cannot be read for now", retryAfterMs: 5000 })
  }
}
