/** Verdicts as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  type ResolveKeyResponseSchema,
  type RouteSchema,
  Verdict as WireVerdict,
} from "#gen/authsome/control/v1/routing_pb.ts"
import { environments, statuses } from "../applications/proto.ts"
import { keyTypes } from "../keys/proto.ts"
import { toOptionalTimestamp } from "../timestamp.ts"
import { planTerms } from "../workspaces/Plan.ts"
import type { RouteApplication, RouteKey, Verdict } from "./Route.ts"

const toRoute = (application: RouteApplication, key: RouteKey): MessageInitShape<typeof RouteSchema> => {
  const { keyRequestsPerSecond, monthlyRequests } = planTerms[application.plan]
  return {
    applicationId: application.id,
    workspaceId: application.workspaceId,
    status: statuses.toProto(application.status),
    statusReason: application.statusReason ?? undefined,
    environment: environments.toProto(application.environment),
    region: application.region,
    instanceUrl: application.instanceUrl ?? "",
    keyId: key.id,
    keyType: keyTypes.toProto(key.type),
    scopes: [...key.scopes],
    keyExpiresAt: toOptionalTimestamp(key.expiresAt),
    rateLimitPerSecond: keyRequestsPerSecond,
    monthlyRequestCap: monthlyRequests === undefined ? undefined : BigInt(monthlyRequests),
    allowedOrigins: [...key.allowedOrigins],
    version: application.version,
  }
}

export const toResolution = (verdict: Verdict): MessageInitShape<typeof ResolveKeyResponseSchema> => {
  switch (verdict._tag) {
    case "Valid": {
      const { application, key } = verdict
      return { verdict: WireVerdict.VALID, route: toRoute(application, key), version: application.version }
    }
    case "UnknownKey":
      return { verdict: WireVerdict.UNKNOWN_KEY, version: verdict.version }
    case "UnknownApplication":
      return { verdict: WireVerdict.UNKNOWN_APPLICATION }
  }
}
