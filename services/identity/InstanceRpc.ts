/** What the auth server of an application offers: REST to the proxy, and gRPC to the mesh, where it belongs to one. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { JwtVerifier } from "#shared/crypto/Jwt.ts"
import { peers } from "#shared/rpc/authenticate.ts"
import { Authentication } from "#shared/rpc/Caller.ts"
import * as Limits from "#shared/rpc/limits/Limits.ts"
import * as Server from "#shared/rpc/Server.ts"
import * as TenantAuditRpc from "./audit/rpc.ts"
import type { InstanceConfig } from "./Config.ts"
import * as TenantAuthRpc from "./credentials/rpc.ts"
import * as TenantOrganizationRpc from "./organizations/rpc.ts"
import * as IdentityRpc from "./rpc.ts"
import * as TenantSessionRpc from "./sessions/rpc.ts"
import { Sessions } from "./sessions/Sessions.ts"
import { endUserSession, instanceKey, keyIdentityIssuer } from "./tenant/authenticate.ts"
import * as SigningKeyRpc from "./tokens/rpc.ts"
import * as TenantUserRpc from "./users/rpc.ts"

const authentication = (config: InstanceConfig) =>
  Layer.effect(
    Authentication,
    Effect.gen(function* () {
      const verifier = yield* JwtVerifier
      const sessions = yield* Sessions
      return {
        INTERNAL: yield* peers(config.mesh),
        INSTANCE_KEY: instanceKey(verifier, config.applicationId),
        SESSION: endUserSession(verifier, config.applicationId, sessions),
      }
    }),
  ).pipe(Layer.provide(JwtVerifier.layerConfig({ issuer: keyIdentityIssuer, variable: "KEY_IDENTITY_PUBLIC_KEY" })))

export const layer = (config: InstanceConfig) =>
  Server.layer(
    {
      ...{ config: config.server, certificateFiles: config.mesh.certificateFiles },
      ...{ outsideRpc: false, routeHeader: "x-authsome-route" },
      // The proxy, which vouches for every key, says where its caller is.
      trustedHops: 1,
    },
    Layer.mergeAll(
      IdentityRpc.layer,
      SigningKeyRpc.layer(config),
      TenantAuthRpc.layer,
      TenantSessionRpc.layer,
      TenantUserRpc.layer,
      TenantOrganizationRpc.layer,
      TenantAuditRpc.layer,
    ),
  ).pipe(
    // The proxy tells customers of their key's rate.
    Layer.provide(Limits.layer({ program: "instance", rates: config.rates, redisUrl: config.redisUrl, told: false })),
    Layer.provide(authentication(config)),
  )
