/** The database of every application: its own, with a role that may do everything in it and nothing anywhere else. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import { sha256 } from "#shared/crypto/digest.ts"
import { migrate } from "#shared/postgres/migrate.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { withDatabase } from "#shared/servers/DatabaseStore.ts"
import type { ApplicationId } from "../applications/Application.ts"
import * as TenantDatabaseStore from "./TenantDatabaseStore.ts"
import { databaseOf, roleOf } from "./TenantName.ts"

export interface TenantDatabasesOptions {
  /** The tenants' server, as its superuser. */
  readonly url: Redacted.Redacted<string>
  /** The folder of the migrations that every tenant's database gets. */
  readonly migrations: string
}

/** What is there of an application's database and tables. */
export interface ObservedDatabase {
  readonly database: "absent" | "differs" | "present"
  /** `differs`: older, or other, than ours. */
  readonly migrations: "absent" | "differs" | "present"
}

/** The tenants' server could not do it now. The reason is for operators and holds no secret. */
export class TenantDatabaseFailed extends Schema.TaggedError<TenantDatabaseFailed>()("TenantDatabaseFailed", {
  reason: Schema.String,
}) {
  override get message(): string {
    return this.reason
  }
}

type Done = Effect.Effect<void, TenantDatabaseFailed>

export class TenantDatabases extends Context.Service<
  TenantDatabases,
  {
    readonly observe: (id: ApplicationId) => Effect.Effect<ObservedDatabase, TenantDatabaseFailed>
    /** The role with this password, and the database that belongs to it. What is in it stays. */
    readonly ensure: (id: ApplicationId, password: Redacted.Redacted<string>) => Done
    /** The tables as this version of the instance expects them, made by the role itself. */
    readonly migrate: (id: ApplicationId, password: Redacted.Redacted<string>) => Done
    /** Neither database nor role is left. */
    readonly remove: (id: ApplicationId) => Done
    /** How the application's own programs reach it. */
    readonly urlOf: (id: ApplicationId, password: Redacted.Redacted<string>) => Redacted.Redacted<string>
  }
>()("provisioner/TenantDatabases") {
  /** Needs no server to be built. Adds the readiness check "tenant_postgres". */
  static readonly layer = (options: TenantDatabasesOptions) => Layer.effect(TenantDatabases, make(options))
}

/** The server's own words, without the statement. */
const failed = (error: SqlError) => {
  const { cause } = error.reason
  return new TenantDatabaseFailed({ reason: cause instanceof Error ? cause.message : error.message })
}

/** Another worker whose lease had passed, or one that died while the server went on, was faster: the next look tells. */
const unlessThere = <A, R>(effect: Effect.Effect<A, SqlError, R>) =>
  Effect.catchIf(
    effect,
    ({ reason: { cause } }) =>
      cause instanceof Error && "code" in cause && ["42P04", "42710", "23505"].includes(String(cause.code)),
    () => Effect.void,
  )

/** Names and contents of the files, so that tables made by other ones are noticed. */
const versionOf = (folder: string) =>
  Effect.try({
    try: () => {
      const files = readdirSync(folder).filter((name) => name.endsWith(".sql"))
      const texts = files.sort().map((name) => `${name}\n${readFileSync(join(folder, name), "utf8")}`)
      return `migrations ${sha256(texts.join("\n")).toString("hex").slice(0, 32)}`
    },
    catch: () => new TenantDatabaseFailed({ reason: `${folder} cannot be read` }),
  })

const make = Effect.fnUntraced(function* (options: TenantDatabasesOptions) {
  const store = yield* TenantDatabaseStore.make(options.url)
  const version = yield* versionOf(options.migrations)
  const readiness = yield* Readiness
  yield* readiness.register("tenant_postgres", store.ping, { required: false })
  yield* store.openToAll.pipe(
    Effect.flatMap((names) =>
      names.length === 0
        ? Effect.void
        : Effect.logWarning("every tenant may open databases that are not closed to PUBLIC", { databases: names }),
    ),
    Effect.ignore,
    Effect.forkScoped,
  )
  const urlOf = (id: ApplicationId, password: Redacted.Redacted<string>) =>
    withDatabase(options.url, databaseOf(id), { name: roleOf(id), password })

  return TenantDatabases.of({
    observe: Effect.fn("TenantDatabases.observe")(function* (id): Effect.fn.Return<ObservedDatabase, SqlError> {
      const { hasRole, isRoleBare, hasDatabase, isDatabaseOwn, isDatabaseBroken, mark } = yield* store.find(id)
      const isWhole = isRoleBare && isDatabaseOwn && !isDatabaseBroken
      return {
        database: isWhole ? "present" : hasRole || hasDatabase ? "differs" : "absent",
        migrations: mark === null ? "absent" : mark === version ? "present" : "differs",
      }
    }, Effect.mapError(failed)),
    ensure: Effect.fn("TenantDatabases.ensure")(function* (id, password) {
      const entry = yield* store.find(id)
      yield* unlessThere(store.putRole(id, entry, password))
      yield* unlessThere(store.putDatabase(id, entry))
    }, Effect.mapError(failed)),
    migrate: Effect.fn("TenantDatabases.migrate")(function* (id, password) {
      yield* Effect.mapError(
        migrate({ url: urlOf(id, password), directory: options.migrations }),
        ({ message }) => new TenantDatabaseFailed({ reason: message }),
      )
      yield* Effect.mapError(store.mark(id, version), failed)
    }),
    remove: Effect.fn("TenantDatabases.remove")((id) => Effect.mapError(store.drop(id), failed)),
    urlOf,
  })
})
