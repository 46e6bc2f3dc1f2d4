/** The columns of `applications` that come from the provisioner's reports. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { ApplicationId } from "../applications/Application.ts"
import { first, run } from "../rows.ts"
import { KnownState, type Observation } from "./Observation.ts"

export class ObservationStore extends Context.Service<
  ObservationStore,
  {
    /** What is known, which stays so until the transaction ends. */
    readonly lock: (id: ApplicationId) => Effect.Effect<Option.Option<KnownState>>
    readonly save: (observation: Observation) => Effect.Effect<void>
  }
>()("control-plane/ObservationStore") {
  static readonly layer = Layer.effect(
    ObservationStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const known = first(KnownState)
      return ObservationStore.of({
        lock: (id) =>
          known(sql`
            SELECT id, generation, status, status_reason, instance_url, observed_generation, observed_at
            FROM applications WHERE id = ${id} FOR NO KEY UPDATE`),
        save: ({ applicationId, generation, status, reason, instanceUrl, occurredAt }) =>
          run(sql`
            UPDATE applications
            SET status = ${status}, status_reason = ${reason}, instance_url = ${instanceUrl},
              observed_generation = ${generation}, observed_at = ${DateTime.toDateUtc(occurredAt)},
              updated_at = CASE WHEN status = ${status} THEN updated_at ELSE now() END
            WHERE id = ${applicationId}`),
      })
    }),
  )
}
