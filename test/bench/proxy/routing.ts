/** A control plane that knows one key, for the proxy of the bench: RoutingService served by the kit. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { ApplicationStatus } from "#gen/authsome/control/v1/application_pb.ts"
import { KeyType } from "#gen/authsome/control/v1/key_pb.ts"
import { RoutingService, Verdict } from "#gen/authsome/control/v1/routing_pb.ts"
import { layerPeers } from "#shared/rpc/authenticate.ts"
import { Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import * as Server from "#shared/rpc/Server.ts"
import { launch } from "#shared/runtime/Launch.ts"
import { keyed, serverConfig } from "#shared/testing/meshSettings.ts"
import { tellReady } from "../child.ts"

const [instanceUrl = "", applicationId = "", meshKey = ""] = process.argv.slice(2)

const handlers = Handlers.layer(
  RoutingService,
  Effect.succeed({
    resolveKey: () =>
      Effect.succeed({
        verdict: Verdict.VALID,
        version: 1n,
        route: {
          ...{ applicationId, instanceUrl, workspaceId: "ws_bench", keyId: "key_bench", version: 1n },
          ...{ status: ApplicationStatus.ACTIVE, keyType: KeyType.SECRET, scopes: ["*"] },
          rateLimitPerSecond: 1_000_000,
        },
      }),
    reportKeyUse: () => Effect.succeed({}),
  }),
)

launch(
  Layer.effectDiscard(Effect.map(Server.Listening, ({ grpcPort }) => tellReady({ port: grpcPort }))).pipe(
    Layer.provide(Server.layer({ config: serverConfig }, handlers)),
    Layer.provide([layerPeers(keyed(Redacted.make(meshKey))), Authorization.layerNobody]),
  ),
  { service: "bench routing" },
)
