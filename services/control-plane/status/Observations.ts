/** Takes in what the provisioner reports. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { RouteChanges } from "../routing/RouteChanges.ts"
import { type Observation, type Weight, weigh } from "./Observation.ts"
import { ObservationStore } from "./ObservationStore.ts"

export class Observations extends Context.Service<
  Observations,
  {
    /**
     * Takes a report in, if it is news, and tells the proxies. One of an application that we do not know is stale too.
     */
    readonly record: (observation: Observation) => Effect.Effect<Weight>
  }
>()("control-plane/Observations") {
  static readonly layer = Layer.effect(
    Observations,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* ObservationStore
      const routes = yield* RouteChanges

      const record = Effect.fn("Observations.record")(
        function* (observation: Observation) {
          const known = yield* store.lock(observation.applicationId)
          const weight = Option.match(known, { onNone: () => "stale" as const, onSome: (is) => weigh(is, observation) })
          if (weight !== "stale") yield* store.save(observation)
          if (weight === "changed") yield* routes.announce(observation.applicationId)
          return weight
        },
        sql.withTransaction,
        Effect.catchTag("SqlError", Effect.die),
      )

      return Observations.of({ record })
    }),
  )
}
