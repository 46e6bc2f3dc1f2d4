import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { opaqueToken } from "#shared/crypto/Token.ts"
import { connectionSettings } from "#shared/postgres/Database.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import * as DatabaseStore from "#shared/servers/DatabaseStore.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { ApplicationId } from "../applications/Application.ts"
import { newApplicationId } from "../fixtures/LocalPlace.ts"
import { migrations } from "../fixtures/Workshop.ts"
import { TenantDatabases } from "./TenantDatabases.ts"
import { databaseOf, quoted, roleOf } from "./TenantName.ts"

const tenants = Layer.unwrap(
  Effect.map(TestDatabase, ({ adminUrl }) => TenantDatabases.layer({ url: adminUrl, migrations })),
).pipe(Layer.provide(Readiness.layer), Layer.provideMerge(TestDatabase.empty))

/** An application with a database and tables. */
const tenant = Effect.gen(function* () {
  const databases = yield* TenantDatabases
  const id = yield* newApplicationId
  const password = yield* opaqueToken
  yield* databases.ensure(id, password)
  yield* databases.migrate(id, password)
  return { id, password, url: databases.urlOf(id, password) }
})

/** What a client at that URL gets for the statement: rows, or what the server said. */
const ask = (url: Redacted.Redacted<string>, statement: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(statement)).pipe(
    Effect.provide(PgClient.layer(connectionSettings({ url, applicationName: "test", maxConnections: 1 }))),
    Effect.mapError(({ reason: { cause } }) => (cause instanceof Error ? cause.message : "unknown")),
  )

const refusal = (url: Redacted.Redacted<string>, statement: string) => Effect.flip(ask(url, statement))

const asAdmin = (statement: string) => Effect.flatMap(TestDatabase, ({ adminUrl }) => ask(adminUrl, statement))

layer(tenants, { excludeTestServices: true })("an application's database", (it) => {
  it.effect("belongs to its role, which may do everything in it", () =>
    Effect.gen(function* () {
      const { url, id } = yield* tenant
      yield* ask(url, "CREATE TABLE things (id int)")
      const [row] = yield* ask(url, "SELECT current_user AS role, current_database() AS database")
      assert.deepStrictEqual(row, { role: roleOf(id), database: databaseOf(id) })
    }),
  )

  it.effect("opens to no other application, and no other database opens to it", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* tenant, yield* tenant]
      const control = `control_${databaseOf(one.id)}`
      const { adminUrl } = yield* TestDatabase
      const password = yield* opaqueToken
      yield* Effect.provide(DatabaseStore.ensureOwned(control, password), DatabaseStore.connection(adminUrl))
      yield* Effect.addFinalizer(() =>
        Effect.orDie(Effect.andThen(asAdmin(`DROP DATABASE "${control}"`), asAdmin(`DROP ROLE "${control}"`))),
      )
      for (const database of [databaseOf(other.id), control]) {
        const said = yield* refusal(DatabaseStore.withDatabase(one.url, database), "SELECT 1")
        assert.strictEqual(said, `permission denied for database "${database}"`)
      }
      const controlUrl = DatabaseStore.withDatabase(adminUrl, databaseOf(one.id), { name: control, password })
      assert.include(yield* refusal(controlUrl, "SELECT 1"), "permission denied for database")
    }),
  )

  it.effect("gives its role no rights over the server", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* tenant, yield* tenant]
      const refused = {
        'CREATE DATABASE "mine"': "permission denied to create database",
        'CREATE ROLE "friend"': "permission denied to create role",
        "SELECT rolpassword FROM pg_authid": "permission denied for table pg_authid",
        [`SET ROLE ${quoted(roleOf(other.id))}`]: `permission denied to set role "${roleOf(other.id)}"`,
        'SET ROLE "postgres"': 'permission denied to set role "postgres"',
        [`ALTER ROLE ${quoted(roleOf(one.id))} SUPERUSER`]: "permission denied to alter role",
        [`ALTER ROLE ${quoted(roleOf(one.id))} CONNECTION LIMIT -1`]: "permission denied to alter role",
        [`DROP DATABASE ${quoted(databaseOf(other.id))}`]: `must be owner of database ${databaseOf(other.id)}`,
        "COPY (SELECT 1) TO PROGRAM 'true'": "permission denied to COPY to or from an external program",
      }
      for (const [statement, expected] of Object.entries(refused)) {
        assert.strictEqual(yield* refusal(one.url, statement), expected)
      }
    }),
  )

  it.effect("opens by its password only", () =>
    Effect.gen(function* () {
      const { id } = yield* tenant
      const { urlOf } = yield* TenantDatabases
      const said = yield* refusal(urlOf(id, Redacted.make("a guess")), "SELECT 1")
      assert.include(said, "password authentication failed")
    }),
  )

  it.effect("is made and removed step by step, each of which may be repeated", () =>
    Effect.gen(function* () {
      const { observe, ensure, migrate, remove } = yield* TenantDatabases
      const id = yield* newApplicationId
      const password = yield* opaqueToken
      const stages = []
      stages.push(yield* observe(id))
      for (const step of [ensure(id, password), migrate(id, password), remove(id)]) {
        yield* step
        yield* step
        stages.push(yield* observe(id))
      }
      assert.deepStrictEqual(stages, [
        { database: "absent", migrations: "absent" },
        { database: "present", migrations: "absent" },
        { database: "present", migrations: "present" },
        { database: "absent", migrations: "absent" },
      ])
    }),
  )

  it.effect("is put right when somebody has opened it, or given its role more", () =>
    Effect.gen(function* () {
      const { id, password, url } = yield* tenant
      const { observe, ensure } = yield* TenantDatabases
      yield* ask(url, "CREATE TABLE kept ()")
      for (const mistake of [
        `GRANT CONNECT ON DATABASE ${quoted(databaseOf(id))} TO PUBLIC`,
        `ALTER ROLE ${quoted(roleOf(id))} CREATEDB`,
        `ALTER DATABASE ${quoted(databaseOf(id))} OWNER TO postgres`,
      ]) {
        yield* asAdmin(mistake)
        assert.strictEqual((yield* observe(id)).database, "differs")
        yield* ensure(id, password)
        assert.deepStrictEqual(yield* observe(id), { database: "present", migrations: "present" })
      }
      assert.isEmpty(yield* ask(url, "SELECT FROM kept"))
    }),
  )

  it.effect("tells tables that other migrations made from ours", () =>
    Effect.gen(function* () {
      const { id } = yield* tenant
      const { observe } = yield* TenantDatabases
      yield* asAdmin(`COMMENT ON DATABASE ${quoted(databaseOf(id))} IS 'migrations of another version'`)
      assert.strictEqual((yield* observe(id)).migrations, "differs")
    }),
  )

  it.effect("has a name that nothing but an application's id can become", () =>
    Effect.gen(function* () {
      for (const id of [
        'app_"; DROP ROLE',
        "app_ABCDEFGHIJKLMNOP",
        "app_aaaaaaaaaaaaaaa",
        "app_aaaaaaaaaaaaaaaa\n",
        "",
      ]) {
        yield* Effect.flip(Schema.decodeEffect(ApplicationId)(id))
      }
    }),
  )
})
