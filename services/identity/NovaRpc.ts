/** What Nova's identity service offers: gRPC to backend services, and to Zitadel one route. */
import * as Layer from "effect/Layer"
import { internalKey } from "#shared/rpc/authenticate.ts"
import { Authentication } from "#shared/rpc/Caller.ts"
import * as Server from "#shared/rpc/Server.ts"
import type { NovaConfig } from "./Config.ts"
import * as IdentityRpc from "./rpc.ts"
import { zitadelKey, zitadelSignature } from "./zitadel/authenticate.ts"
import * as ClaimsRpc from "./zitadel/rpc.ts"

export const layer = (config: NovaConfig) =>
  Server.layer({ config: config.server, outsideRpc: false }, Layer.merge(IdentityRpc.layer, ClaimsRpc.layer)).pipe(
    Layer.provide(
      Layer.succeed(Authentication, {
        INTERNAL: internalKey(config.meshKeys),
        ZITADEL: zitadelKey(config.zitadelKeys),
        SIGNED_WEBHOOK: zitadelSignature,
      }),
    ),
  )
