/** authsome.billing.v1.UsageService. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { UsageService } from "#gen/authsome/billing/v1/usage_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { invalidFields, Unavailable } from "#shared/rpc/PublicError.ts"
import { pending } from "../../pending.ts"
import { toUsageResponse } from "./proto.ts"
import { Usage } from "./Usage.ts"
import { parsePeriod, periodOf } from "./UsagePeriod.ts"

export const layer = Handlers.layer(
  UsageService,
  Effect.gen(function* () {
    const usage = yield* Usage
    return {
      getUsage: Effect.fnUntraced(
        function* ({ workspaceId, period }) {
          const month = yield* period === "" ? Effect.map(Clock.currentTimeMillis, periodOf) : monthOf(period)
          return toUsageResponse(yield* usage.ofWorkspace(workspaceId, month))
        },
        Effect.catchTag(
          "UsageUnavailable",
          () => new Unavailable({ reason: "UNAVAILABLE", message: "usage cannot be read now" }),
        ),
      ),
    }
  }),
  pending["billing.UsageService"],
)

const monthOf = (text: string) =>
  Effect.mapError(Effect.fromOption(parsePeriod(text)), () =>
    invalidFields([{ field: "period", description: "not a month from 2000-01 to 2999-12" }]),
  )
