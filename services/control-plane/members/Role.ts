/** What the roles of a workspace may do. The one table of permissions; the contract's policies name them. */
import * as Schema from "effect/Schema"

/** owner: everything. admin: applications, members, billing. developer: applications. billing: billing. viewer: reads. */
export const MemberRole = Schema.Literals(["owner", "admin", "developer", "billing", "viewer"])
export type MemberRole = typeof MemberRole.Type

const workspaceReads = ["workspaces.read", "members.read", "applications.read", "keys.read", "webhooks.read"] as const
const records = ["audit.read"] as const
const billingReads = ["usage.read", "invoices.read"] as const
const building = [
  "applications.create",
  "applications.update",
  "applications.delete",
  "keys.create",
  "keys.delete",
  "webhooks.create",
  "webhooks.update",
  "webhooks.delete",
] as const
const ruling = ["workspaces.update", "members.invite", "members.update", "members.remove", "billing.update"] as const

const viewer = [...workspaceReads, ...records, ...billingReads]
const developer = [...viewer, ...building]
const admin = [...developer, ...ruling]
const owner = [...admin, "workspaces.delete" as const]
const billing = ["workspaces.read" as const, ...billingReads, "billing.update" as const]

export type Permission = (typeof owner)[number]

/** Every permission that there is. */
export const permissions: ReadonlyArray<Permission> = owner

const grants: Readonly<Record<MemberRole, ReadonlySet<string>>> = {
  owner: new Set(owner),
  admin: new Set(admin),
  developer: new Set(developer),
  billing: new Set(billing),
  viewer: new Set(viewer),
}

/** Whether the role has the permission. One that is not in the table is nobody's, the owner's neither. */
export const may = (role: MemberRole, permission: string): boolean => grants[role].has(permission)
