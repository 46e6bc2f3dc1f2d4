/** The provisioner's reports, as we read them. */
import * as Option from "effect/Option"
import {
  type ApplicationStatusChanged,
  ApplicationStatus as WireStatus,
} from "#gen/authsome/provisioner/v1/events_pb.ts"
import { ApplicationId, type ApplicationStatus } from "../applications/Application.ts"
import { enumWords } from "../enums.ts"
import { given } from "../given.ts"
import { fromTimestamp } from "../timestamp.ts"
import type { Observation } from "./Observation.ts"

const statuses = enumWords<ApplicationStatus, WireStatus>({
  provisioning: WireStatus.PROVISIONING,
  active: WireStatus.ACTIVE,
  suspended: WireStatus.SUSPENDED,
  restarting: WireStatus.RESTARTING,
  failed: WireStatus.FAILED,
  deleting: WireStatus.DELETING,
  deleted: WireStatus.DELETED,
})

/** None for a report that does not say what its contract demands. */
export const toObservation = (message: ApplicationStatusChanged): Option.Option<Observation> =>
  Option.map(
    Option.all({
      status: statuses.fromProto(message.status),
      occurredAt: Option.flatMap(Option.fromUndefinedOr(message.occurredAt), fromTimestamp),
    }),
    ({ status, occurredAt }) => ({
      applicationId: ApplicationId.make(message.applicationId),
      generation: message.generation,
      status,
      reason: Option.getOrNull(given(message.reason)),
      instanceUrl: Option.getOrNull(given(message.instanceUrl)),
      occurredAt,
    }),
  )
