/** A control plane that knows one key, for the proxy of the bench: RoutingService served by the kit. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { ApplicationStatus } from "#gen/authsome/control/v1/application_pb.ts"
import { KeyType } from "#gen/authsome/control/v1/key_pb.ts"
import { RoutingService, Verdict } from "#gen/authsome/control/v1/routing_pb.ts"
import { internalKey } from "#shared/rpc/authenticate.ts"
import { Authentication, Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { PermissionDenied } from "#shared/rpc/PublicError.ts"
import * as Server from "#shared/rpc/Server.ts"
import { launch } from "#shared/runtime/Launch.ts"
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

const config = {
  ...{ host: "127.0.0.1", httpPort: 0, grpcPort: 0, maxBodyBytes: 65_536, maxMessageBytes: 1_048_576 },
  shutdownGrace: Duration.seconds(1),
}

launch(
  Layer.effectDiscard(Effect.map(Server.Listening, ({ grpcPort }) => tellReady({ port: grpcPort }))).pipe(
    Layer.provide(Server.layer({ config }, handlers)),
    Layer.provide([
      Layer.succeed(Authentication, { INTERNAL: internalKey([Redacted.make(meshKey)]) }),
      Layer.succeed(Authorization, {
        authorize: () => Effect.fail(new PermissionDenied({ reason: "PERMISSION_DENIED", message: "nobody may" })),
      }),
    ]),
  ),
  { service: "bench routing" },
)
