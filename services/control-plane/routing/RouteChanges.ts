/** Tells the proxies that what they remember of an application is out of date. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { KeysChangedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { Outbox } from "#shared/events/Outbox.ts"
import type { ApplicationId } from "../applications/Application.ts"
import { ApplicationStore } from "../applications/ApplicationStore.ts"
import { toTimestamp } from "../timestamp.ts"

export class RouteChanges extends Context.Service<
  RouteChanges,
  {
    /**
     * Counts a change of the application and announces it, within the caller's transaction: of the keys of these
     * digests, or, without any, of everything about the application.
     */
    readonly announce: (id: ApplicationId, keyDigests?: ReadonlyArray<Uint8Array>) => Effect.Effect<void>
  }
>()("control-plane/RouteChanges") {
  static readonly layer = Layer.effect(
    RouteChanges,
    Effect.gen(function* () {
      const applications = yield* ApplicationStore
      const outbox = yield* Outbox
      return RouteChanges.of({
        announce: Effect.fnUntraced(function* (id, keyDigests = []) {
          const version = yield* applications.bumpVersion(id)
          const occurredAt = toTimestamp(yield* DateTime.now)
          const event = { applicationId: id, keyDigests: [...keyDigests], version, occurredAt }
          yield* outbox.append(KeysChangedSchema, event, { aggregate: id })
        }),
      })
    }),
  )
}
