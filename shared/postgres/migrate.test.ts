import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { TestDatabase } from "../testing/TestDatabase.ts"
import { migrate } from "./migrate.ts"

const emptyDatabase = Layer.provideMerge(TestDatabase.client, TestDatabase.empty)

/** A folder with these files. */
const directory = (files: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = mkdtempSync(join(tmpdir(), "migrations-"))
      for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
      return path
    }),
    (path) => Effect.sync(() => rmSync(path, { recursive: true })),
  )

const run = (files: Record<string, string>) =>
  Effect.gen(function* () {
    const { url } = yield* TestDatabase
    yield* migrate({ url, directory: yield* directory(files) })
  })

const names = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly name: string }>`SELECT name FROM schema_migrations ORDER BY version`
  return rows.map(({ name }) => name)
})

const first = { "0001_create_things.sql": "CREATE TABLE things (name text); INSERT INTO things VALUES ('one;');" }
const second = { ...first, "0002_add_things.sql": "INSERT INTO things VALUES ('two')" }

describe("migrations", () => {
  it.live("are applied once, in their order, and only what is missing", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* run(first)
      yield* run(second)
      yield* run(second)
      assert.deepStrictEqual(yield* names, ["0001_create_things.sql", "0002_add_things.sql"])
      assert.deepStrictEqual(yield* sql`SELECT name FROM things ORDER BY name`, [{ name: "one;" }, { name: "two" }])
    }).pipe(Effect.provide(emptyDatabase)),
  )

  it.live("are applied once by starters that come at the same time", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const files = {
        ...first,
        "0002_wait.sql": "SELECT pg_sleep(0.2)",
        "0003_add.sql": "INSERT INTO things VALUES ('x')",
      }
      yield* Effect.all([run(files), run(files), run(files)], { concurrency: "unbounded" })
      assert.strictEqual((yield* sql`SELECT 1 FROM things`).length, 2)
      assert.strictEqual((yield* names).length, 3)
    }).pipe(Effect.provide(emptyDatabase)),
  )

  it.live("that were applied and have changed, or are gone, are refused by name", () =>
    Effect.gen(function* () {
      yield* run(second)
      const changed = yield* Effect.flip(run({ ...second, "0001_create_things.sql": "CREATE TABLE things ();" }))
      assert.strictEqual(changed.message, "0001_create_things.sql: it was applied and has changed since")
      const renamed = yield* Effect.flip(run({ ...first, "0002_other.sql": "INSERT INTO things VALUES ('two')" }))
      assert.strictEqual(renamed.message, "0002_other.sql: it was applied and has changed since")
      const gone = yield* Effect.flip(run(first))
      assert.strictEqual(gone.message, "0002_add_things.sql: it was applied and is missing")
    }).pipe(Effect.provide(emptyDatabase)),
  )

  it.live("with a gap, a number twice or a strange name are refused before anything is applied", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const refusals = [
        [{ ...first, "0003_late.sql": "" }, "0003_late.sql: number 0002 is expected"],
        [{ ...first, "0001_double.sql": "" }, "0001_double.sql: number 0002 is expected"],
        [{ ...first, "2_short.sql": "" }, "2_short.sql: its name is not NNNN_name.sql"],
      ] as const
      for (const [files, message] of refusals) {
        assert.include((yield* Effect.flip(run({ ...files }))).message, message.slice(message.indexOf(":")))
      }
      assert.deepStrictEqual(yield* sql`SELECT 1 FROM pg_tables WHERE tablename = 'things'`, [])
    }).pipe(Effect.provide(emptyDatabase)),
  )

  it.live("that fail leave nothing of themselves, and all that came before", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const error = yield* Effect.flip(
        run({ ...first, "0002_break.sql": "INSERT INTO things VALUES ('half'); SELECT nonsense" }),
      )
      assert.strictEqual(error.file, "0002_break.sql")
      assert.include(error.reason, "nonsense")
      assert.deepStrictEqual(yield* names, ["0001_create_things.sql"])
      assert.deepStrictEqual(yield* sql`SELECT name FROM things`, [{ name: "one;" }])
    }).pipe(Effect.provide(emptyDatabase)),
  )

  it.live("say so when the database is away, without its password", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Effect.flatMap(directory(first), (path) =>
          migrate({ url: Redacted.make("postgres://user:hunter2@127.0.0.1:1/db"), directory: path }),
        ),
      )
      assert.strictEqual(error._tag, "MigrationFailed")
      assert.notInclude(error.message, "hunter2")
    }),
  )
})
