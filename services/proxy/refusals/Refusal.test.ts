import { expect, it } from "vitest"
import type { Route } from "../routes/Route.ts"
import { refusalOf } from "./Refusal.ts"

const route: Route = {
  applicationId: "app_x",
  workspaceId: "ws_x",
  status: "active",
  instanceOrigin: "http://127.0.0.1:1",
  keyId: "key_x",
  keyKind: "secret",
  scopes: ["*"],
  rateLimit: 10,
  allowedOrigins: [],
  version: 1,
}
const now = 1_000
const tagOf = (changes: Partial<Route>, origin?: string) => refusalOf({ ...route, ...changes }, { now, origin })?._tag

it("serves an application that is active or restarting, and no other", () => {
  const statuses = ["active", "restarting", "provisioning", "suspended", "failed", "deleting", "deleted"] as const
  expect(statuses.map((status) => tagOf({ status }))).toEqual([
    undefined,
    undefined,
    "ApplicationProvisioning",
    "ApplicationSuspended",
    "ApplicationFailed",
    "ApplicationDeleting",
    "UnknownApplication",
  ])
  expect(tagOf({ status: "unspecified" })).toBe("InstanceUnavailable")
})

it("refuses a key from the moment it expires", () => {
  expect([tagOf({ keyExpiresAt: now + 1 }), tagOf({ keyExpiresAt: now })]).toEqual([undefined, "InvalidKey"])
  expect(tagOf({ keyExpiresAt: now, status: "suspended" })).toBe("InvalidKey")
})

it("accepts a key from its own origins only, where it has any", () => {
  const allowedOrigins = ["https://shop.example"]
  expect(tagOf({ allowedOrigins }, "https://shop.example")).toBeUndefined()
  expect(tagOf({ allowedOrigins }, "https://evil.example")).toBe("OriginRefused")
  expect(tagOf({ allowedOrigins })).toBe("OriginRefused")
})

it("knows that an application without an instance cannot be served", () => {
  const { instanceOrigin: _, ...without } = route
  expect(refusalOf(without, { now, origin: undefined })).toEqual({ _tag: "InstanceUnavailable" })
})

it("says why", () => {
  expect(refusalOf({ ...route, status: "suspended", statusReason: "unpaid" }, { now, origin: undefined })).toEqual({
    _tag: "ApplicationSuspended",
    why: "unpaid",
  })
})
