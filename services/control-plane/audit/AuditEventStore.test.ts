import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { newId } from "#shared/ids/Id.ts"
import { change } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import type { WorkspaceId } from "../workspaces/Workspace.ts"
import { AuditEventStore } from "./AuditEventStore.ts"

const everything = {
  actorId: Option.none(),
  action: Option.none(),
  resourceId: Option.none(),
  since: Option.none(),
  until: Option.none(),
}

/** A row of so many days ago. */
const written = Effect.fnUntraced(function* (workspaceId: WorkspaceId, days: number) {
  const id = yield* newId("aud")
  yield* change(
    (sql) => sql`
      INSERT INTO audit_events (id, occurred_at, action, rpc, actor_kind, actor_id, container_id, resource_type,
        resource_id, details, request_id, remote_address)
      VALUES (${id}, now() - make_interval(days => ${days}::int), 'key.created', 'Service/Create', 'user', 'usr_1',
        ${workspaceId}, 'key', 'key_1', '{"fields":["name"]}', 'req_1', '')`,
  )
})

layer(TestUseCases.layer, { excludeTestServices: true })("changes that a plan keeps no more", (it) => {
  it.effect("are forgotten, those of other plans and younger ones are not", () =>
    Effect.gen(function* () {
      const store = yield* AuditEventStore
      const free = yield* TestUseCases.someWorkspace("free")
      const pro = yield* TestUseCases.someWorkspace("pro")
      for (const { workspaceId } of [free, pro]) {
        for (const days of [1, 6, 8, 20]) yield* written(workspaceId, days)
      }
      yield* store.sweep("free", 7)
      const kept = (workspaceId: WorkspaceId) =>
        Effect.map(store.list(workspaceId, 3650, everything, { page: 1, pageSize: 20 }), ({ total }) => total)
      expect([yield* kept(free.workspaceId), yield* kept(pro.workspaceId)]).toEqual([2, 4])
    }),
  )
})
