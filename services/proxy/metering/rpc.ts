/** Tells the control plane when keys were last used (RoutingService/ReportKeyUse), many at a time. Best effort. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { ControlPlaneClient } from "../routes/ControlPlaneClient.ts"
import { makeKeyUses } from "./KeyUses.ts"

/** As many as the contract takes in one report. */
const reportSize = 1000
const capacity = 50_000

export class KeyUseReports extends Context.Service<
  KeyUseReports,
  {
    /** Notes a use of a key. Never waits. `at` in epoch milliseconds. */
    readonly note: (keyId: string, at: number) => void
  }
>()("proxy/metering/KeyUseReports") {
  static readonly layer = (options: { readonly interval: Duration.Duration; readonly stopWithin: Duration.Duration }) =>
    Layer.effect(
      KeyUseReports,
      Effect.gen(function* () {
        const controlPlane = yield* ControlPlaneClient
        const uses = makeKeyUses(capacity)

        const report: Effect.Effect<void> = Effect.suspend(() => {
          const taken = uses.take(reportSize)
          if (taken.length === 0) return Effect.void
          const message = taken.map(({ keyId, at }) => ({ keyId, lastUsedAt: timestampFromMs(at) }))
          return Effect.matchEffect(controlPlane.reportKeyUse({ uses: message }), {
            onSuccess: () => report,
            onFailure: () =>
              Effect.sync(() => {
                for (const { keyId, at } of taken) uses.note(keyId, at)
              }),
          })
        })

        yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(report, options.stopWithin)))
        yield* Effect.andThen(Effect.sleep(options.interval), report).pipe(
          Effect.repeat(Schedule.forever),
          Effect.forkScoped,
        )
        return KeyUseReports.of({ note: uses.note })
      }),
    )
}
