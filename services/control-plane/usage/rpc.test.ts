import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { ChargeKind } from "#gen/authsome/billing/v1/price_pb.ts"
import { UsageService } from "#gen/authsome/billing/v1/usage_pb.ts"
import { layerPeers } from "#shared/rpc/authenticate.ts"
import { Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { NotFound } from "#shared/rpc/PublicError.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { keyed, serverConfig } from "#shared/testing/meshSettings.ts"
import { applicationMade, call } from "../testing/TestClient.ts"
import * as TestControlPlane from "../testing/TestControlPlane.ts"
import { meshKeys } from "../testing/TestKeys.ts"

const gigabyte = 1024n ** 3n
const dollars = (minorUnits: bigint) => ({ currency: "USD", minorUnits })

/** Another program that answers as billing's contract says, with figures that a test can know. */
const peer = Server.layer(
  { config: serverConfig },
  Handlers.layer(
    UsageService,
    Effect.succeed({
      getUsage: ({ workspaceId, period }) =>
        period === "2020-01"
          ? Effect.fail(new NotFound({ reason: "NOT_FOUND", message: "no such month" }))
          : Effect.succeed({
              workspaceId,
              period: period === "" ? "2026-01" : period,
              totals: {
                mauCurrent: 10_250n,
                mauExact: 10_240n,
                requests: 70_000n,
                sentBytes: gigabyte / 2n,
                storageBytes: 9n * gigabyte,
                storageAverageBytes: 6n * gigabyte,
              },
              estimate: {
                usage: [
                  { kind: ChargeKind.MAU, cost: dollars(480n) },
                  { kind: ChargeKind.STORAGE, cost: dollars(10n) },
                ],
                total: dollars(2990n),
              },
              billingAt: timestampFromMs(Date.UTC(2026, 1, 1)),
            }),
    }),
    ["getApplicationMetrics", "estimateCost"],
  ),
).pipe(Layer.provide([layerPeers(keyed(Redacted.make(meshKeys[0]))), Authorization.layerNobody, Readiness.layer]))

/** The control plane with that program as its billing. */
const running = Layer.unwrap(
  Effect.map(Server.Listening, ({ grpcPort }) =>
    TestControlPlane.running({ BILLING_GRPC_URL: `http://127.0.0.1:${grpcPort}` }),
  ),
).pipe(Layer.provide(peer))

layer(running, { excludeTestServices: true })("usage", (it) => {
  it.effect("shows billing's figures beside what the plan includes, with money in dollars", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* applicationMade
      const { status, json } = yield* call("GET", `/workspaces/${workspaceId}/usage?period=2026-01`, { token })
      expect(status).toBe(200)
      expect(json).toEqual({
        period: "2026-01",
        workspaceId,
        plan: "free",
        usage: {
          mau: { current: 10_250, included: 10_000, overage: 250, cost: 4.8 },
          applications: { count: 1, limit: 3 },
          storage: { bytes: 6 * 1024 ** 3, gb: 6, included: 5, overage: 1, cost: 0.1 },
          apiRequests: { count: 70_000, included: 100_000 },
          bandwidth: { bytes: 1024 ** 3 / 2, gb: 0.5, overage: 0 },
        },
        estimatedCost: 29.9,
        billingDate: "2026-02-01T00:00:00Z",
      })
    }),
  )

  it.effect("is of this month unless asked otherwise, and of a month that is one", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* applicationMade
      const now = yield* call("GET", `/workspaces/${workspaceId}/usage`, { token })
      expect([now.status, now.json.period]).toEqual([200, "2026-01"])
      const wrong = yield* call("GET", `/workspaces/${workspaceId}/usage?period=2026-13`, { token })
      expect([wrong.status, wrong.json.error.details[0].field]).toEqual([400, "period"])
    }),
  )

  it.effect("is unavailable, whatever billing complains of", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* applicationMade
      const { status, headers } = yield* call("GET", `/workspaces/${workspaceId}/usage?period=2020-01`, { token })
      expect([status, headers.get("retry-after")]).toEqual([503, "5"])
    }),
  )
})
