/** The databases of the services, each with a role that owns it and can open no other. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { migrate } from "#shared/postgres/migrate.ts"
import * as DatabaseStore from "#shared/servers/DatabaseStore.ts"
import type { Backing } from "./Backing.ts"
import type { StackConfig } from "./Config.ts"
import type { Secrets } from "./Secrets.ts"

/** A database could not be made or brought up to date. */
export class DatabaseUnusable extends Schema.TaggedError<DatabaseUnusable>()("DatabaseUnusable", {
  database: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `The database ${this.database} could not be prepared: ${this.reason}`
  }
}

/** Each service's database, the secret that opens it, and its folder of migrations. */
const databases = {
  control: { name: "authsome_control", password: "CONTROL_DATABASE_PASSWORD" },
  provisioner: { name: "authsome_provisioner", password: "PROVISIONER_DATABASE_PASSWORD" },
  identity: { name: "nova_identity", password: "IDENTITY_DATABASE_PASSWORD" },
  billing: { name: "authsome_billing", password: "BILLING_DATABASE_PASSWORD" },
} as const

/** URLs by owner, as the role that owns the database. */
export type DatabaseUrls = Record.ReadonlyRecord<keyof typeof databases, Redacted.Redacted<string>>

const migrations = join(import.meta.dirname, "..", "..", "migrations")

/** Makes what is missing and migrates all of them; what is there stays. */
export const prepare = Effect.fnUntraced(function* (
  config: StackConfig,
  backing: Backing,
  secrets: Secrets,
): Effect.fn.Return<DatabaseUrls, DatabaseUnusable> {
  const admin = DatabaseStore.connection(backing.postgres)
  const urls = Record.map(databases, ({ name, password }) =>
    DatabaseStore.withDatabase(backing.postgres, name, { name, password: secrets[password] }),
  )
  yield* Effect.forEach(Record.values(databases), ({ name, password }) =>
    DatabaseStore.ensureOwned(name, secrets[password]).pipe(unusable(name)),
  ).pipe(Effect.provide(admin), unusable("postgres"))
  // On a server of the operator these are not ours to close.
  if (Option.isNone(config.given.postgres)) {
    yield* Effect.forEach(["postgres", "template1"], DatabaseStore.closeToPublic).pipe(
      Effect.provide(admin),
      unusable("postgres"),
    )
  }
  yield* Effect.forEach(
    Record.toEntries(databases),
    ([owner, { name }]) => migrate({ url: urls[owner], directory: join(migrations, owner) }).pipe(unusable(name)),
    { concurrency: "unbounded" },
  )
  return urls
})

const unusable =
  (database: string) =>
  <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.mapError(effect, (error) =>
      error instanceof DatabaseUnusable ? error : new DatabaseUnusable({ database, reason: error.message }),
    )
