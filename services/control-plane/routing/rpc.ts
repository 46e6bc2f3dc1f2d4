/** authsome.control.v1.RoutingService, for proxies: message in, one statement, message out. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { RoutingService } from "#gen/authsome/control/v1/routing_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { ApplicationId } from "../applications/Application.ts"
import { ApiKeyStore } from "../keys/ApiKeyStore.ts"
import { fromTimestamp } from "../timestamp.ts"
import { toResolution } from "./proto.ts"
import { verdictOf } from "./Route.ts"
import { RouteStore } from "./RouteStore.ts"

export const layer = Handlers.layer(
  RoutingService,
  Effect.gen(function* () {
    const routes = yield* RouteStore
    const keys = yield* ApiKeyStore
    return {
      resolveKey: ({ applicationId, keyDigest }) =>
        Effect.map(routes.find(ApplicationId.make(applicationId), keyDigest), (found) =>
          toResolution(verdictOf(Option.getOrUndefined(found))),
        ),
      reportKeyUse: ({ uses }) => {
        const known = uses.flatMap(({ keyId, lastUsedAt }) =>
          Option.match(Option.flatMap(Option.fromUndefinedOr(lastUsedAt), fromTimestamp), {
            onNone: () => [],
            onSome: (time) => [{ keyId, lastUsedAt: time }],
          }),
        )
        return Effect.as(known.length === 0 ? Effect.void : keys.noteUses(known), {})
      },
    }
  }),
)
