import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { newUuid } from "#shared/ids/Id.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { UserId } from "./User.ts"
import { UserStore } from "./UserStore.ts"

const store = Layer.provideMerge(UserStore.layer, TestDatabase.sql("identity"))

const person = (username: string, email: string) =>
  Effect.map(newUuid, (id) => ({ id: UserId.make(id), username, email, displayName: null, passwordHash: "none" }))

layer(store, { excludeTestServices: true })("rows of users", (it) => {
  // The database would log the violation of an index, with the address, and end the transaction.
  it.effect("are not added for a taken address, which is no failure of the database", () =>
    Effect.gen(function* () {
      const users = yield* UserStore
      const sql = yield* SqlClient.SqlClient
      yield* users.insert(yield* person("ada", "ada@rows.test"))
      const another = yield* person("lovelace", "ADA@rows.test")
      const [error, rows] = yield* sql.withTransaction(
        Effect.gen(function* () {
          const error = yield* Effect.flip(users.insert(another))
          return [error, yield* sql`SELECT id FROM users WHERE username = 'lovelace'`] as const
        }),
      )
      assert.deepStrictEqual([error._tag, rows], ["EmailTaken", []])
      const same = yield* person("ADA", "other@rows.test")
      assert.strictEqual((yield* Effect.flip(users.insert(same)))._tag, "UsernameTaken")
    }),
  )
})
