/** What the control plane is told of an application. */
import * as Schema from "effect/Schema"
import type { Wanted } from "./Application.ts"
import type { Part } from "./plan.ts"

export const Told = Schema.Literals(["active", "suspended", "failed", "deleting", "deleted"])
export type Told = typeof Told.Type

export class Announcement extends Schema.Class<Announcement>("provisioner/Announcement")({
  status: Told,
  /** Where the instance listens; empty: nowhere. */
  instanceUrl: Schema.String,
  generation: Schema.BigInt,
}) {}

/** How "activate" stands: whether the control plane sends customers to where the instance is. */
export const activation = (last: Announcement | undefined, now: Announcement): Part => {
  if (last?.status !== "active") return "absent"
  return isSame(last, now) ? "present" : "differs"
}

export const isSame = (one: Announcement | undefined, other: Announcement): boolean =>
  one?.status === other.status && one.instanceUrl === other.instanceUrl && one.generation === other.generation

/** What an application is called once everything is as wanted. */
export const arrived: Readonly<Record<Wanted, Told>> = { running: "active", suspended: "suspended", absent: "deleted" }

/** What an application is called before anything of it goes. */
export const leaving: Readonly<Record<Exclude<Wanted, "running">, Told>> = {
  suspended: "suspended",
  absent: "deleting",
}
