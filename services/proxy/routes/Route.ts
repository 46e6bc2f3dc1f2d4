/** What the proxy must know to serve a request: what a key opens, and whether that is served now. */
import * as Schema from "effect/Schema"

/** "unspecified" is a status of a later contract: not served. */
export const ApplicationStatus = Schema.Literals([
  "provisioning",
  "active",
  "suspended",
  "restarting",
  "failed",
  "deleting",
  "deleted",
  "unspecified",
])
export type ApplicationStatus = typeof ApplicationStatus.Type

export const Route = Schema.Struct({
  applicationId: Schema.String,
  workspaceId: Schema.String,
  status: ApplicationStatus,
  /** Why it is not served, in a sentence for the customer. */
  statusReason: Schema.optionalKey(Schema.String),
  /** Scheme, host and port of the instance; absent: nowhere yet. */
  instanceOrigin: Schema.optionalKey(Schema.String),
  keyId: Schema.String,
  keyKind: Schema.Literals(["public", "secret"]),
  scopes: Schema.Array(Schema.String),
  /** Epoch milliseconds; absent: never. */
  keyExpiresAt: Schema.optionalKey(Schema.Finite),
  /** Requests a second that the key may make. */
  rateLimit: Schema.Finite,
  /** The web origins from which the key is accepted; empty: any. */
  allowedOrigins: Schema.Array(Schema.String),
  /** Rises with every change to the application or one of its keys. */
  version: Schema.Finite,
})
export type Route = typeof Route.Type

/** Whether a key opens an application. */
export type Verdict =
  | { readonly _tag: "Valid"; readonly route: Route }
  | { readonly _tag: "UnknownKey"; readonly version: number }
  | { readonly _tag: "UnknownApplication"; readonly version: number }

/** The version of the application when the verdict was given. */
export const versionOf = (verdict: Verdict): number =>
  verdict._tag === "Valid" ? verdict.route.version : verdict.version

/** Nobody who could give a verdict answered. Nothing is known of the key: neither that it is good, nor that it is not. */
export class VerdictUnavailable extends Schema.TaggedError<VerdictUnavailable>()("VerdictUnavailable", {
  reason: Schema.String,
}) {
  override get message(): string {
    return `no verdict on the key: ${this.reason}`
  }
}
