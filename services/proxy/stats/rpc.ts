/** ProxyService: this process's figures, and forgetting what it remembers. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as Effect from "effect/Effect"
import { ProxyService } from "#gen/authsome/proxy/v1/proxy_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { Unavailable } from "#shared/rpc/PublicError.ts"
import { Meter } from "../metering/Meter.ts"
import { Routes } from "../routes/Routes.ts"
import { Counts } from "./Counts.ts"
import { ProxyInstance } from "./ProxyInstance.ts"

export const layer = Handlers.layer(
  ProxyService,
  Effect.gen(function* () {
    const counts = yield* Counts
    const routes = yield* Routes
    const meter = yield* Meter
    const proxyInstance = yield* ProxyInstance
    return {
      getStats: () =>
        Effect.sync(() => {
          const figures = counts.figures()
          const { waiting, published, dropped } = meter.figures()
          return {
            proxyInstance,
            startedAt: timestampFromMs(figures.startedAt),
            requests: {
              total: BigInt(figures.total),
              inFlight: figures.inFlight,
              succeeded: BigInt(figures.succeeded),
              refused: BigInt(figures.refused),
              failed: BigInt(figures.failed),
              rateLimited: BigInt(figures.outcomes.get("RateLimited") ?? 0),
            },
            routes: {
              entries: routes.size(),
              memoryHits: BigInt(figures.verdicts.memory),
              cacheHits: BigInt(figures.verdicts.redis),
              resolved: BigInt(figures.verdicts.control_plane),
              staleHits: BigInt(figures.verdicts.stale),
              malformedKeys: BigInt(figures.malformedKeys),
              changesReceived: BigInt(figures.changesReceived),
            },
            metering: { waiting, published: BigInt(published), dropped: BigInt(dropped) },
          }
        }),
      purgeRoutes: ({ target }) =>
        routes.purge(target.case === "applicationId" ? target.value : undefined).pipe(
          Effect.map((purged) => ({ purged })),
          Effect.mapError(
            () =>
              new Unavailable({
                reason: "UNAVAILABLE",
                message: "forgotten here, but the shared cache could not be told",
              }),
          ),
        ),
    }
  }),
)
