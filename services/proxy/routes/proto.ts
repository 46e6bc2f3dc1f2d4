/** The contract's verdicts and routes as the proxy's own. */
import { timestampMs } from "@bufbuild/protobuf/wkt"
import { ApplicationStatus as Status } from "#gen/authsome/control/v1/application_pb.ts"
import { KeyType } from "#gen/authsome/control/v1/key_pb.ts"
import {
  type ResolveKeyResponse,
  type Route as RouteMessage,
  Verdict as VerdictKind,
} from "#gen/authsome/control/v1/routing_pb.ts"
import type { ApplicationStatus, Route, Verdict } from "./Route.ts"

/** The verdict of a response about this application; undefined where it is none, or about something else. */
export const toVerdict = (applicationId: string, response: ResolveKeyResponse): Verdict | undefined => {
  const version = Number(response.version)
  switch (response.verdict) {
    case VerdictKind.VALID: {
      const route = response.route === undefined ? undefined : toRoute(response.route)
      return route?.applicationId === applicationId ? { _tag: "Valid", route } : undefined
    }
    case VerdictKind.UNKNOWN_KEY:
      return { _tag: "UnknownKey", version }
    case VerdictKind.UNKNOWN_APPLICATION:
      return { _tag: "UnknownApplication", version }
    default: // "not sent", and what a later contract may add: no verdict
      return undefined
  }
}

/** Undefined for a route whose key is of no kind that is known here. */
const toRoute = (message: RouteMessage): Route | undefined => {
  const keyKind = keyKinds.get(message.keyType)
  if (keyKind === undefined) return undefined
  const { keyExpiresAt, statusReason } = message
  return {
    applicationId: message.applicationId,
    workspaceId: message.workspaceId,
    status: statuses.get(message.status) ?? "unspecified",
    ...(statusReason === undefined ? {} : { statusReason }),
    ...(isHttpUrl(message.instanceUrl) ? { instanceOrigin: new URL(message.instanceUrl).origin } : {}),
    keyId: message.keyId,
    keyKind,
    scopes: message.scopes,
    ...(keyExpiresAt === undefined ? {} : { keyExpiresAt: timestampMs(keyExpiresAt) }),
    rateLimit: message.rateLimitPerSecond,
    allowedOrigins: message.allowedOrigins,
    version: Number(message.version),
  }
}

const isHttpUrl = (text: string): boolean => /^https?:/.test(text) && URL.canParse(text)

const keyKinds = new Map<KeyType, Route["keyKind"]>([
  [KeyType.PUBLIC, "public"],
  [KeyType.SECRET, "secret"],
])

const statuses = new Map<Status, ApplicationStatus>([
  [Status.PROVISIONING, "provisioning"],
  [Status.ACTIVE, "active"],
  [Status.SUSPENDED, "suspended"],
  [Status.RESTARTING, "restarting"],
  [Status.FAILED, "failed"],
  [Status.DELETING, "deleting"],
  [Status.DELETED, "deleted"],
])
