/** Notes of claims while Zitadel does not take them. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { eventually } from "#shared/testing/eventually.ts"
import { Logged, zitadelKey } from "../../testing/TestIdentity.ts"
import { calls, imported, program, StandIn, token, touch, upToDate } from "./fixtures/noting.ts"

layer(program, { excludeTestServices: true })("Zitadel's notes of claims", (it) => {
  it.effect("wait for a Zitadel that is away, or takes no token, and lose nothing", () =>
    Effect.gen(function* () {
      const { world } = yield* StandIn
      const { id, person } = yield* imported("alan")
      const bulk = new RegExp(`POST /management/v1/users/${id}/metadata/_bulk`)
      world.troubles.push({ at: bulk, status: 503, left: 2 }, { at: bulk, status: 401, left: 1 })
      yield* touch(id, "Halts.")
      yield* upToDate(id, person)
      assert.strictEqual((yield* calls(bulk)).length >= 4, true)
    }),
  )

  it.effect("give up what Zitadel refuses, with its reason, and keep nobody else waiting", () =>
    Effect.gen(function* () {
      const { world } = yield* StandIn
      const logged = yield* Logged
      const sql = yield* SqlClient.SqlClient
      const { id } = yield* imported("kurt")
      const bulk = new RegExp(`POST /management/v1/users/${id}/metadata/_bulk`)
      world.troubles.push({ at: bulk, status: 403, left: Number.POSITIVE_INFINITY })
      yield* touch(id, "Incomplete.")
      const [letter] = yield* eventually(
        Effect.flatMap(
          sql<{ readonly consumer: string; readonly reason: string }>`SELECT consumer, reason FROM dead_letters`,
          (letters) => (letters.length > 0 ? Effect.succeed(letters) : Effect.fail("no letter")),
        ),
      )
      assert.strictEqual(letter?.consumer, "identity-zitadel")
      assert.include(letter?.reason, `Zitadel does not let this token do POST /management/v1/users/${id}`)
      const { id: other, person } = yield* imported("emmy")
      yield* touch(other, "Conserves.")
      yield* upToDate(other, person)
      const lines = logged.join("")
      for (const secret of [token, "@example.com", zitadelKey]) assert.notInclude(lines, secret)
    }),
  )
})
