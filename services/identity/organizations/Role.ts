/** What the roles of an organization may do. The one table of it. */
import * as Schema from "effect/Schema"

/** owner: everything. admin: the organization and people who are not owners. member: belongs, and sees who else does. */
export const Role = Schema.Literals(["owner", "admin", "member"])
export type Role = typeof Role.Type

const member = ["organization.read", "members.read"] as const
const admin = [...member, "organization.update", "members.manage"] as const
const owner = [...admin, "organization.delete", "owners.manage"] as const

export type Action = (typeof owner)[number]

/** Everything that there is to do. */
export const actions: ReadonlyArray<Action> = owner

const grants: Readonly<Record<Role, ReadonlySet<Action>>> = {
  owner: new Set(owner),
  admin: new Set<Action>(admin),
  member: new Set<Action>(member),
}

export const may = (role: Role, action: Action): boolean => grants[role].has(action)

/** What it takes to give a role, to end one, or to change one for another. */
export const toManage = (...roles: ReadonlyArray<Role>): Action =>
  roles.includes("owner") ? "owners.manage" : "members.manage"
