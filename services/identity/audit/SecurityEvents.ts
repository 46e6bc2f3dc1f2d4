/** Reading what happened to accounts. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import type { Page, Paged } from "../users/Page.ts"
import type { SecurityEvent, SecurityEventFilter } from "./SecurityEvent.ts"
import { SecurityEventStore } from "./SecurityEventStore.ts"

export class SecurityEvents extends Context.Service<
  SecurityEvents,
  {
    /** The newest first. */
    readonly list: (filter: SecurityEventFilter, page: Page) => Effect.Effect<Paged<SecurityEvent>, DatabaseFailed>
  }
>()("identity/SecurityEvents") {
  static readonly layer = Layer.effect(
    SecurityEvents,
    Effect.map(SecurityEventStore, (store) =>
      SecurityEvents.of({
        list: Effect.fn("SecurityEvents.list")(function* (filter, page) {
          const total = yield* store.count(filter)
          return { ...page, total, data: yield* store.list(filter, page) }
        }),
      }),
    ),
  )
}
