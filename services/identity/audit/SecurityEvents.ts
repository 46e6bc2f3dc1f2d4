/** Reading what happened to accounts. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { sweeping } from "#shared/runtime/sweeping.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import type { Page, Paged } from "../users/Page.ts"
import type { SecurityEvent, SecurityEventFilter } from "./SecurityEvent.ts"
import { SecurityEventStore } from "./SecurityEventStore.ts"

export interface RetentionPolicy {
  /** For how long events are kept. None: for ever. */
  readonly auditRetention: Option.Option<Duration.Duration>
  readonly sweepAfter?: Duration.Duration
}

export class SecurityEvents extends Context.Service<
  SecurityEvents,
  {
    /** The newest first. */
    readonly list: (filter: SecurityEventFilter, page: Page) => Effect.Effect<Paged<SecurityEvent>, DatabaseFailed>
  }
>()("identity/SecurityEvents") {
  static readonly layer = ({ auditRetention, sweepAfter = Duration.minutes(1) }: RetentionPolicy) =>
    Layer.effect(
      SecurityEvents,
      Effect.gen(function* () {
        const store = yield* SecurityEventStore

        if (Option.isSome(auditRetention)) {
          yield* sweeping(store.sweep(auditRetention.value), { after: sweepAfter })
        }

        return SecurityEvents.of({
          list: Effect.fn("SecurityEvents.list")(function* (filter, page) {
            const total = yield* store.count(filter)
            return { ...page, total, data: yield* store.list(filter, page) }
          }),
        })
      }),
    )
}
