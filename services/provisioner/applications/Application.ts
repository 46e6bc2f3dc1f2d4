/** An application, and what its instance is to be like. */
import * as Schema from "effect/Schema"

/** The 16 characters after "app_" name the namespace, the database and the role: nothing else may ever pass. */
export const ApplicationId = Schema.String.check(Schema.isPattern(/^app_[a-z2-7]{16}$/)).pipe(
  Schema.brand("ApplicationId"),
)
export type ApplicationId = typeof ApplicationId.Type

/** The part of the id that names what belongs to the application: a DNS label, and safe in a PostgreSQL identifier. */
export const suffixOf = (id: ApplicationId): string => id.slice("app_".length)

/** Whether the instance runs; does not, while its data stays; or is to leave nothing behind. */
export const Wanted = Schema.Literals(["running", "suspended", "absent"])
export type Wanted = typeof Wanted.Type

/** What the control plane says of the instance beyond its running: kept whole, so that the newest is all one needs. */
export const Settings = Schema.Struct({
  name: Schema.String,
  environment: Schema.Literals(["production", "staging", "development"]),
  region: Schema.String,
  plan: Schema.Literals(["free", "pro", "enterprise"]),
  mode: Schema.Literals(["standalone", "saas"]),
  /** A number and s, m, h or d. */
  sessionTimeout: Schema.String,
  /** In the units of Kubernetes. */
  resources: Schema.Struct({
    cpuLimit: Schema.String,
    memoryLimit: Schema.String,
    storageLimit: Schema.String,
    replicas: Schema.Int,
  }),
  maxReplicas: Schema.Int,
})
export type Settings = typeof Settings.Type

/** The desired state of an application; one of a higher generation replaces it. */
export class Desired extends Schema.Class<Desired>("provisioner/Desired")({
  applicationId: ApplicationId,
  workspaceId: Schema.String,
  generation: Schema.BigInt,
  wanted: Wanted,
  /** The instance's processes are replaced when this rises. */
  restartCount: Schema.Int,
  /** None: the application is to go, and nothing else is said of it. */
  settings: Schema.OptionFromNullOr(Settings),
}) {}
