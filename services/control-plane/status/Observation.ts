/** What became of an application's instance, as the provisioner reports it, and what to make of the report. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { ApplicationId, ApplicationStatus } from "../applications/Application.ts"

export interface Observation {
  readonly applicationId: ApplicationId
  /** The desired state that it is about. */
  readonly generation: bigint
  readonly status: ApplicationStatus
  /** For the customer; none where the status says it all. */
  readonly reason: string | null
  /** Where the instance listens; none: nowhere. */
  readonly instanceUrl: string | null
  readonly occurredAt: DateTime.Utc
}

/** What was known before. */
export class KnownState extends Schema.Class<KnownState>("KnownState")({
  id: ApplicationId,
  generation: Schema.BigInt,
  status: ApplicationStatus,
  statusReason: Schema.NullOr(Schema.String),
  instanceUrl: Schema.NullOr(Schema.String),
  observedGeneration: Schema.BigInt,
  observedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
}) {}

/** stale: it is older than what is known. confirmed: it changes nothing. changed: it is news. */
export type Weight = "stale" | "confirmed" | "changed"

/**
 * Reports may come late and in any order. One about a state that is no longer wanted says nothing of the one that is;
 * within a generation the later one counts; nothing brings back what is gone.
 */
export const weigh = (known: KnownState, observation: Observation): Weight => {
  if (known.status === "deleted" || isOlder(known, observation)) return "stale"
  const same =
    known.status === observation.status &&
    known.statusReason === observation.reason &&
    known.instanceUrl === observation.instanceUrl
  return same ? "confirmed" : "changed"
}

const isOlder = (known: KnownState, { generation, occurredAt }: Observation): boolean => {
  if (generation < known.generation || generation < known.observedGeneration) return true
  if (generation > known.observedGeneration || known.observedAt === null) return false
  return DateTime.isLessThan(occurredAt, known.observedAt)
}
