/** Reading who changed what in a workspace, for as long as its plan keeps it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Page, Paged } from "../Page.ts"
import { hourly } from "../sweep.ts"
import { Plan, planTerms } from "../workspaces/Plan.ts"
import { type WorkspaceId, WorkspaceNotFound } from "../workspaces/Workspace.ts"
import { WorkspaceStore } from "../workspaces/WorkspaceStore.ts"
import type { AuditEvent } from "./AuditEvent.ts"
import { AuditEventStore, type AuditFilter } from "./AuditEventStore.ts"

export class AuditEvents extends Context.Service<
  AuditEvents,
  {
    /** The newest first, as far back as the plan keeps them. */
    readonly list: (
      workspaceId: WorkspaceId,
      filter: AuditFilter,
      page: Page,
    ) => Effect.Effect<Paged<AuditEvent>, WorkspaceNotFound>
  }
>()("control-plane/AuditEvents") {
  static readonly layer = Layer.effect(
    AuditEvents,
    Effect.gen(function* () {
      const store = yield* AuditEventStore
      const workspaces = yield* WorkspaceStore
      yield* hourly(
        "changes that no plan keeps any more",
        Effect.forEach(Plan.literals, (plan) => store.sweep(plan, planTerms[plan].auditDays), { discard: true }),
      )

      const list = Effect.fn("AuditEvents.list")(function* (id: WorkspaceId, filter: AuditFilter, page: Page) {
        const tenancy = yield* workspaces.tenancy(id)
        if (Option.isNone(tenancy)) return yield* new WorkspaceNotFound({ id })
        return yield* store.list(id, planTerms[tenancy.value.plan].auditDays, filter, page)
      })

      return AuditEvents.of({ list })
    }),
  )
}
