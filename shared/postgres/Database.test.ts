import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { Readiness } from "../runtime/Readiness.ts"
import { TestDatabase } from "../testing/TestDatabase.ts"
import * as Database from "./Database.ts"

const database = Layer.unwrap(
  Effect.map(TestDatabase, ({ url }) =>
    Database.layer({ url, applicationName: "tester", statementTimeout: "200 millis" }),
  ),
).pipe(Layer.provideMerge(Layer.merge(TestDatabase.empty, Readiness.layer)))

describe("the database", () => {
  it.live("speaks camelCase here and snake_case there, except inside of documents", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE some_things (some_name text, some_document jsonb)`
      const someDocument = (yield* PgClient.PgClient).json({ snake_key: 1, camelKey: 2 })
      yield* sql`INSERT INTO some_things ${sql.insert({ someName: "x", someDocument })}`
      assert.deepStrictEqual(yield* sql`SELECT * FROM some_things`, [
        { someName: "x", someDocument: { snake_key: 1, camelKey: 2 } },
      ])
    }).pipe(Effect.provide(database)),
  )

  it.live("gives up on a statement in time, and is known by name", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const error = yield* Effect.flip(sql`SELECT pg_sleep(10)`)
      assert.strictEqual(error.reason._tag, "StatementTimeoutError")
      assert.deepStrictEqual(yield* sql`SELECT current_setting('application_name') AS name`, [{ name: "tester" }])
    }).pipe(Effect.provide(database)),
  )

  it.live("tells whether it answers", () =>
    Effect.gen(function* () {
      const { report } = yield* Readiness
      assert.deepStrictEqual(yield* report, { ready: true, checks: { postgres: "ok" } })
    }).pipe(Effect.provide(database)),
  )

  it.live("may be away when the process starts", () =>
    Effect.gen(function* () {
      const { report } = yield* Readiness
      assert.deepStrictEqual(yield* report, { ready: false, checks: { postgres: "failing" } })
    }).pipe(
      Effect.provide(
        Database.layer({ url: Redacted.make("postgres://u:p@127.0.0.1:1/db"), applicationName: "tester" }).pipe(
          Layer.provideMerge(Readiness.layer),
        ),
      ),
    ),
  )

  it.effect("is found by DATABASE_URL", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Effect.provide(Effect.void, Layer.provide(Database.layerConfig({ applicationName: "x" }), Readiness.layer)),
      )
      assert.include(error.message, "DATABASE_URL")
    }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({}))),
  )
})
