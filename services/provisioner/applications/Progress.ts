/**
 * What a worker notes down about an application that it holds, and tells the control plane in the same transaction. Each
 * method fails with ClaimLost when the worker must stop.
 */
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { ApplicationStatus, ApplicationStatusChangedSchema } from "#gen/authsome/provisioner/v1/events_pb.ts"
import { Outbox } from "#shared/events/Outbox.ts"
import { Announcement, arrived, isSame, leaving, type Told } from "./Announcement.ts"
import { type Claim, type ClaimLost, ClaimStore, type Failure } from "./ClaimStore.ts"
import { CredentialStore } from "./CredentialStore.ts"
import { Provisioning } from "./Provisioning.ts"
import type { StepName } from "./Step.ts"

type Noted = Effect.Effect<void, ClaimLost | SqlError>

export class Progress extends Context.Service<
  Progress,
  {
    /** These steps begin now; those were found done. */
    readonly begin: (claim: Claim, begun: ReadonlyArray<StepName>, done: ReadonlyArray<StepName>) => Noted
    readonly end: (claim: Claim, step: StepName) => Noted
    /** The first step back: the control plane is told to send nobody there any more. */
    readonly deactivate: (claim: Claim) => Effect.Effect<Claim, ClaimLost | SqlError>
    /**
     * Everything is as wanted. The control plane is told, for a running one with this URL, unless it knows; the secrets
     * of a removed one are forgotten. The claim ends.
     */
    readonly finish: (claim: Claim, instanceUrl: string, recheck: Duration.Duration) => Noted
    /** The attempt failed: another follows after that time, unless this was the last. */
    readonly fail: (claim: Claim, failures: ReadonlyArray<Failure>, reason: string, backoff: Duration.Duration) => Noted
  }
>()("provisioner/Progress") {
  static readonly layer = Layer.effect(
    Progress,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const claims = yield* ClaimStore
      const credentials = yield* CredentialStore
      const outbox = yield* Outbox

      /** Tells the control plane what it does not know yet; the claim knows that it does now. */
      const announce = Effect.fnUntraced(function* (
        claim: Claim,
        status: Told,
        facts: { readonly instanceUrl?: string; readonly reason?: string } = {},
      ) {
        const { id, desired, announced, state, failures } = claim.provisioning
        const { instanceUrl = "", reason = "" } = facts
        const announcement = new Announcement({ status, instanceUrl, generation: desired.generation })
        if (isSame(Option.getOrUndefined(announced), announcement)) return claim
        yield* claims.announce(claim, announcement)
        const event = {
          applicationId: id,
          generation: desired.generation,
          status: statuses[status],
          reason,
          instanceUrl,
          attempts: state === "done" ? 1 : failures + 1,
          occurredAt: timestampFromMs(yield* Clock.currentTimeMillis),
        }
        yield* outbox.append(ApplicationStatusChangedSchema, event, { aggregate: id })
        const provisioning = new Provisioning({ ...claim.provisioning, announced: Option.some(announcement) })
        return { ...claim, provisioning }
      })

      return Progress.of({
        begin: claims.begin,
        end: claims.end,
        deactivate: Effect.fn("Progress.deactivate")(function* (claim) {
          const { wanted } = claim.provisioning.desired
          const told = wanted === "running" ? claim : yield* announce(claim, leaving[wanted])
          yield* claims.end(claim, "activate")
          return told
        }, sql.withTransaction),
        finish: Effect.fn("Progress.finish")(function* (claim, instanceUrl, recheck) {
          const { id, desired } = claim.provisioning
          yield* announce(claim, arrived[desired.wanted], desired.wanted === "running" ? { instanceUrl } : {})
          if (desired.wanted === "absent") yield* credentials.remove(id)
          yield* claims.finish(claim, desired.wanted === "absent" ? Option.none() : Option.some(recheck))
        }, sql.withTransaction),
        fail: Effect.fn("Progress.fail")(function* (claim, failures, reason, retryAfter) {
          if (!claim.provisioning.isLastAttempt) return yield* claims.fail(claim, failures, { retryAfter })
          yield* announce(claim, "failed", { reason })
          yield* claims.fail(claim, failures, { reason })
        }, sql.withTransaction),
      })
    }),
  ).pipe(Layer.provide([ClaimStore.layer, CredentialStore.layer, Outbox.layer]))
}

const statuses = {
  active: ApplicationStatus.ACTIVE,
  suspended: ApplicationStatus.SUSPENDED,
  failed: ApplicationStatus.FAILED,
  deleting: ApplicationStatus.DELETING,
  deleted: ApplicationStatus.DELETED,
} as const satisfies Record<Told, ApplicationStatus>
