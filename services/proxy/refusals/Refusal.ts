/** Why the proxy answers a request itself instead of the instance, and what of that a route decides. */
import type { Route } from "../routes/Route.ts"

export type Refusal =
  | { readonly _tag: "InvalidKey" }
  | { readonly _tag: "UnknownApplication" }
  | { readonly _tag: "VerdictUnavailable" }
  | { readonly _tag: "ApplicationProvisioning" }
  | { readonly _tag: "ApplicationSuspended"; readonly why: string | undefined }
  | { readonly _tag: "ApplicationFailed"; readonly why: string | undefined }
  | { readonly _tag: "ApplicationDeleting" }
  | { readonly _tag: "InstanceUnavailable" }
  | { readonly _tag: "OriginRefused" }
  | { readonly _tag: "RateLimited"; readonly retryAfterMs: number }
  | { readonly _tag: "BodyTooLarge"; readonly limit: number }
  | { readonly _tag: "PathRefused" }
  | { readonly _tag: "NotOffered" }

/** The outcome of a request, as the metrics count it. */
export type Outcome = Refusal["_tag"] | "Served" | "CustomerHungUp" | "InstanceBroke"

/** What a request shows besides its key. */
export interface Circumstances {
  /** Epoch milliseconds. */
  readonly now: number
  /** The `Origin` header, which browsers send and other programs need not. */
  readonly origin: string | undefined
}

/**
 * Why this route is not served in these circumstances; undefined where it is. A key's end comes first, as if it had been
 * revoked at that moment; then the application; then the origins of the key, which a request without one does not have.
 */
export const refusalOf = (route: Route, { now, origin }: Circumstances): Refusal | undefined => {
  if (route.keyExpiresAt !== undefined && route.keyExpiresAt <= now) return { _tag: "InvalidKey" }
  const refusal = statusRefusal(route)
  if (refusal !== undefined) return refusal
  if (route.allowedOrigins.length > 0 && !(origin !== undefined && route.allowedOrigins.includes(origin))) {
    return { _tag: "OriginRefused" }
  }
  return route.instanceOrigin === undefined ? { _tag: "InstanceUnavailable" } : undefined
}

const statusRefusal = ({ status, statusReason }: Route): Refusal | undefined => {
  switch (status) {
    case "active":
    case "restarting":
      return undefined
    case "provisioning":
      return { _tag: "ApplicationProvisioning" }
    case "suspended":
      return { _tag: "ApplicationSuspended", why: statusReason }
    case "failed":
      return { _tag: "ApplicationFailed", why: statusReason }
    case "deleting":
      return { _tag: "ApplicationDeleting" }
    case "deleted":
      return { _tag: "UnknownApplication" }
    case "unspecified":
      return { _tag: "InstanceUnavailable" }
  }
}
