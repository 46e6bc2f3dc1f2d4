/** What Nova's identity service offers: gRPC to backend services and operators, and to Zitadel one route. */
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import type { SqlError } from "effect/sql/SqlError"
import { internalKey } from "#shared/rpc/authenticate.ts"
import { Authentication } from "#shared/rpc/Caller.ts"
import type { Implementations } from "#shared/rpc/Handlers.ts"
import * as Server from "#shared/rpc/Server.ts"
import type { Readiness } from "#shared/runtime/Readiness.ts"
import type { NovaConfig } from "./Config.ts"
import * as IdentityRpc from "./rpc.ts"
import { zitadelKey, zitadelSignature } from "./zitadel/authenticate.ts"
import * as ClaimsRpc from "./zitadel/rpc.ts"

/** What the program offers besides, to those who look after it. */
export type OperationsLayer = Layer.Layer<never, Config.ConfigError | SqlError, Implementations | Readiness>

export const layer = (config: NovaConfig, operations: OperationsLayer) =>
  Server.layer(
    { config: config.server, outsideRpc: false },
    Layer.mergeAll(IdentityRpc.layer, ClaimsRpc.layer, operations),
  ).pipe(
    Layer.provide(
      Layer.succeed(Authentication, {
        INTERNAL: internalKey(config.meshKeys),
        ZITADEL: zitadelKey(config.zitadelKeys),
        SIGNED_WEBHOOK: zitadelSignature,
      }),
    ),
  )
