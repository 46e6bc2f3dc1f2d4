/** What a key opens, as a proxy needs to know it to serve a request. */
import * as Schema from "effect/Schema"
import { ApplicationId, ApplicationStatus, Environment } from "../applications/Application.ts"
import { ApiKeyId, KeyType } from "../keys/ApiKey.ts"
import { Plan } from "../workspaces/Plan.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"

/** A key that works: not revoked, not expired. */
export const RouteKey = Schema.Struct({
  id: ApiKeyId,
  type: KeyType,
  scopes: Schema.Array(Schema.String),
  allowedOrigins: Schema.Array(Schema.String),
  expiresAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
})
export type RouteKey = typeof RouteKey.Type

export const RouteApplication = Schema.Struct({
  id: ApplicationId,
  workspaceId: WorkspaceId,
  plan: Plan,
  status: ApplicationStatus,
  statusReason: Schema.NullOr(Schema.String),
  environment: Environment,
  region: Schema.String,
  /** None: nowhere yet. */
  instanceUrl: Schema.NullOr(Schema.String),
  version: Schema.BigInt,
})
export type RouteApplication = typeof RouteApplication.Type

/** An answer, never an error: an error would mean that nothing is known. */
export type Verdict =
  /** The key opens the application, whatever the application's status is. */
  | { readonly _tag: "Valid"; readonly application: RouteApplication; readonly key: RouteKey }
  /** No such key, revoked, expired, or another application's: nobody is told which. */
  | { readonly _tag: "UnknownKey"; readonly version: bigint }
  /** No such application, or gone for good. */
  | { readonly _tag: "UnknownApplication" }

/** What was found of an application and of a key that works there. */
export interface Found {
  readonly application: RouteApplication
  readonly key: RouteKey | undefined
}

export const verdictOf = (found: Found | undefined): Verdict => {
  if (found === undefined || found.application.status === "deleted") return { _tag: "UnknownApplication" }
  const { application, key } = found
  return key === undefined ? { _tag: "UnknownKey", version: application.version } : { _tag: "Valid", application, key }
}
