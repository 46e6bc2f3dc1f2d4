/** What Nova's identity service offers: gRPC to backend services and operators, and to Zitadel one route. */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SqlError } from "effect/sql/SqlError"
import { peers } from "#shared/rpc/authenticate.ts"
import { Authentication } from "#shared/rpc/Caller.ts"
import type { Implementations } from "#shared/rpc/Handlers.ts"
import * as Server from "#shared/rpc/Server.ts"
import type { Readiness } from "#shared/runtime/Readiness.ts"
import type { NovaConfig } from "./Config.ts"
import * as IdentityRpc from "./rpc.ts"
import { zitadelKey, zitadelSignature } from "./zitadel/authenticate.ts"
import { ClaimantStore } from "./zitadel/ClaimantStore.ts"
import { LiveClaims } from "./zitadel/LiveClaims.ts"
import * as ClaimsRpc from "./zitadel/rpc.ts"
import { UserClaims } from "./zitadel/UserClaims.ts"

/** What the program offers besides, to those who look after it. */
export type OperationsLayer = Layer.Layer<never, Config.ConfigError | SqlError, Implementations | Readiness>

const claims = UserClaims.layer.pipe(
  Layer.provide(LiveClaims.layerRetried),
  Layer.provide(LiveClaims.layer),
  Layer.provide(ClaimantStore.layer),
)

export const layer = (config: NovaConfig, operations: OperationsLayer) =>
  Server.layer(
    { config: config.server, outsideRpc: false, described: false, certificateFiles: config.mesh.certificateFiles },
    Layer.mergeAll(IdentityRpc.layer, Layer.provide(ClaimsRpc.layer, claims), operations),
  ).pipe(
    Layer.provide(
      Layer.effect(
        Authentication,
        Effect.map(peers(config.mesh), (internal) => ({
          INTERNAL: internal,
          ZITADEL: zitadelKey(config.zitadelKeys),
          SIGNED_WEBHOOK: zitadelSignature(config.zitadelSigningKeys),
        })),
      ),
    ),
  )
