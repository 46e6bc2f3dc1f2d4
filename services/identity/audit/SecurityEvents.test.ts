import { assert, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { SecurityEventStore } from "./SecurityEventStore.ts"
import { SecurityEvents } from "./SecurityEvents.ts"

const everything = { userId: undefined, action: "", since: undefined }
const page = { page: 1, pageSize: 20 }

const happened = (action: string, daysAgo: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO security_audit_log (id, action, occurred_at)
      VALUES (gen_random_uuid(), ${action}, now() - make_interval(days => ${daysAgo}::int))`,
  )

const keptFor = (auditRetention: Option.Option<Duration.Duration>) =>
  Layer.provide(SecurityEvents.layer({ auditRetention, sweepAfter: Duration.zero }), SecurityEventStore.layer)

layer(TestDatabase.sql("identity"), { excludeTestServices: true })("security events", (it) => {
  it.effect("are kept for as long as the program is told", () =>
    Effect.gen(function* () {
      yield* Effect.all([happened("today", 0), happened("a week ago", 6), happened("long ago", 8)])
      const actions = Effect.gen(function* () {
        const { list } = yield* SecurityEvents
        return (yield* list(everything, page)).data.map(({ action }) => action)
      })
      assert.lengthOf(yield* Effect.provide(actions, keptFor(Option.none())), 3)
      const left = eventually(Effect.filterOrFail(actions, ({ length }) => length < 3))
      const swept = yield* Effect.provide(left, keptFor(Option.some(Duration.days(7))))
      assert.deepStrictEqual(swept, ["today", "a week ago"])
    }),
  )
})
