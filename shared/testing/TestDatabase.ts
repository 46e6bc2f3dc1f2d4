/** A PostgreSQL database that one test, or one test file, has to itself. */
import { join } from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "../crypto/random.ts"
import { connectionSettings } from "../postgres/Database.ts"
import { migrate } from "../postgres/migrate.ts"
import * as DatabaseStore from "../servers/DatabaseStore.ts"
import { Backing } from "./Backing.ts"

const migrations = join(import.meta.dirname, "..", "..", "migrations")

export class TestDatabase extends Context.Service<
  TestDatabase,
  {
    readonly name: string
    /** As superuser, at the database. */
    readonly url: Redacted.Redacted<string>
    /** As superuser, at the database `postgres` of the same server. */
    readonly adminUrl: Redacted.Redacted<string>
  }
>()("shared/testing/TestDatabase") {
  /** A new and empty database, dropped with the scope. */
  static readonly empty = Layer.effect(
    TestDatabase,
    Effect.suspend(() => make(undefined)),
  ).pipe(Layer.provide(Backing.layer))

  /** A new database after the migrations of that folder of `migrations/`, dropped with the scope. */
  static readonly migrated = (folder: string) =>
    Layer.effect(TestDatabase, make(folder)).pipe(Layer.provide(Backing.layer))

  /** A client for it, set up as in the services. */
  static readonly client = Layer.unwrap(
    Effect.map(TestDatabase, ({ url }) => PgClient.layer(connectionSettings({ url, applicationName: "test" }))),
  )

  /** `migrated` and `client` in one. */
  static readonly sql = (folder: string) => Layer.provideMerge(TestDatabase.client, TestDatabase.migrated(folder))
}

const make = Effect.fnUntraced(function* (folder: string | undefined) {
  const adminUrl = Redacted.make((yield* Backing).postgres)
  const admin = DatabaseStore.connection(adminUrl)
  const name = `test_${Buffer.from(yield* randomBytes(8)).toString("hex")}`
  yield* Effect.acquireRelease(
    Effect.provide(
      Effect.flatMap(folder === undefined ? Effect.undefined : template(folder, adminUrl), (source) =>
        DatabaseStore.create(name, source),
      ),
      admin,
    ),
    () => Effect.orDie(Effect.provide(DatabaseStore.drop(name), admin)),
  )
  return TestDatabase.of({ name, adminUrl, url: DatabaseStore.withDatabase(adminUrl, name) })
})

/** Made by the first who asks in a run, while the others wait; a copy of it costs a tenth of the migrations. */
const template = (folder: string, adminUrl: Redacted.Redacted<string>) => {
  const name = `template_${folder}`
  const building = `building_${folder}`
  return Effect.gen(function* () {
    if (yield* DatabaseStore.exists(name)) return name
    yield* DatabaseStore.drop(building)
    yield* DatabaseStore.create(building)
    yield* migrate({ url: DatabaseStore.withDatabase(adminUrl, building), directory: join(migrations, folder) })
    yield* DatabaseStore.rename(building, name)
    return name
  }).pipe(DatabaseStore.exclusively(name))
}
