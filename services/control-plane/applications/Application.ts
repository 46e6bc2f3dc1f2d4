/** One environment of a customer's product, with an auth server of its own. */
import * as Schema from "effect/Schema"
import { Plan } from "../workspaces/Plan.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"
import { ApplicationConfig } from "./ApplicationConfig.ts"

/** "app_" and 16 characters of base32, which also name its namespace, database and role. */
export const ApplicationId = Schema.String.pipe(Schema.brand("ApplicationId"))
export type ApplicationId = typeof ApplicationId.Type

/** So many random bytes give 16 characters. */
export const applicationIdBytes = 10

/** The id without its prefix: `{x}` in the names of its namespace, database, role and keys. */
export const nameOf = (id: ApplicationId): string => id.slice("app_".length)

export const Environment = Schema.Literals(["production", "staging", "development"])
export type Environment = typeof Environment.Type

/** Whether an application is served; active and restarting ones are. */
export const ApplicationStatus = Schema.Literals([
  "provisioning",
  "active",
  "suspended",
  "restarting",
  "failed",
  "deleting",
  "deleted",
])
export type ApplicationStatus = typeof ApplicationStatus.Type

export class Application extends Schema.Class<Application>("Application")({
  id: ApplicationId,
  workspaceId: WorkspaceId,
  /** The workspace's. */
  plan: Plan,
  name: Schema.String,
  slug: Schema.String,
  environment: Environment,
  region: Schema.String,
  config: ApplicationConfig,
  status: ApplicationStatus,
  /** Why, in a sentence for the customer; none where the status says it all. */
  statusReason: Schema.NullOr(Schema.String),
  /** The public key that was made with it, whole; none once that is revoked. */
  publicKey: Schema.NullOr(Schema.String),
  /** Counts the changes of what is wanted of the instance. */
  generation: Schema.BigInt,
  restartCount: Schema.Int,
  /** Counts the changes of anything that a proxy remembers. */
  version: Schema.BigInt,
  createdAt: Schema.DateTimeUtcFromDate,
  updatedAt: Schema.DateTimeUtcFromDate,
  deletedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  purgeAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
}) {}

/** Whether the instance is to run: not while suspended, and never again once its data is to go. */
export const instanceStateOf = (status: ApplicationStatus): "running" | "suspended" | "absent" => {
  switch (status) {
    case "provisioning":
    case "active":
    case "restarting":
    case "failed":
      return "running"
    case "suspended":
    case "deleting":
      return "suspended"
    case "deleted":
      return "absent"
  }
}

/** Whether anything may be made for an application of this status, such as a key. */
export const isOpen = (status: ApplicationStatus): boolean => status !== "deleting" && status !== "deleted"

export class ApplicationNotFound extends Schema.TaggedError<ApplicationNotFound>()("ApplicationNotFound", {
  id: ApplicationId,
}) {}

/** The application's status does not allow this. */
export class ApplicationStatusConflict extends Schema.TaggedError<ApplicationStatusConflict>()(
  "ApplicationStatusConflict",
  { id: ApplicationId, status: ApplicationStatus },
) {}

/** The installation has no such region. */
export class RegionUnknown extends Schema.TaggedError<RegionUnknown>()("RegionUnknown", {
  region: Schema.String,
  known: Schema.Array(Schema.String),
}) {}
