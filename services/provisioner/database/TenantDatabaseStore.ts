/** Databases and roles of applications on the tenants' server, over connections of its superuser. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { connectionSettings } from "#shared/postgres/Database.ts"
import { scramVerifier } from "#shared/servers/ScramVerifier.ts"
import type { ApplicationId } from "../applications/Application.ts"
import { databaseOf, quoted, roleOf } from "./TenantName.ts"

/** What the catalogue says of an application's role and database. */
export interface CatalogueEntry {
  readonly hasRole: boolean
  /** The role may log in, within its limit of connections, and nothing more. */
  readonly isRoleBare: boolean
  readonly hasDatabase: boolean
  /** The database belongs to the role, and only who may everything may open it besides. */
  readonly isDatabaseOwn: boolean
  /** A removal was interrupted: it can only be removed for good. */
  readonly isDatabaseBroken: boolean
  /** What `mark` wrote last. */
  readonly mark: string | null
}

export interface TenantDatabaseStore {
  readonly find: (id: ApplicationId) => Effect.Effect<CatalogueEntry, SqlError>
  /** Makes the role or makes it bare again; either way with this password. */
  readonly putRole: (
    id: ApplicationId,
    entry: CatalogueEntry,
    password: Redacted.Redacted<string>,
  ) => Effect.Effect<void, SqlError>
  /** Makes the database, if it is not there, and gives it to the role alone. */
  readonly putDatabase: (id: ApplicationId, entry: CatalogueEntry) => Effect.Effect<void, SqlError>
  /** Writes to the database, from outside, how far it is. */
  readonly mark: (id: ApplicationId, mark: string) => Effect.Effect<void, SqlError>
  /** Ends the sessions on the database and drops it, then the role. */
  readonly drop: (id: ApplicationId) => Effect.Effect<void, SqlError>
  /** Databases that any role of the server may open. */
  readonly openToAll: Effect.Effect<ReadonlyArray<string>, SqlError>
  readonly ping: Effect.Effect<void, SqlError>
}

/** Two instances of an application while one replaces the other, each with its pool, and a migration. */
const connectionLimit = 32

/** Superusers may do everything anyway; the rest is what no tenant may ever have. */
const bare = `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT ${connectionLimit}`

export const make = Effect.fnUntraced(function* (
  url: Redacted.Redacted<string>,
): Effect.fn.Return<TenantDatabaseStore, SqlError, Scope.Scope> {
  const sql = yield* Effect.provide(
    PgClient.make(
      connectionSettings({
        url,
        applicationName: "provisioner",
        maxConnections: 4,
        statementTimeout: "60 seconds",
        multiplex: false,
      }),
    ),
    Reactivity.layer,
  )
  // Utility statements take no parameters: names are checked and quoted, a verifier holds neither quotes nor backslashes.
  const run = (statement: string) => Effect.asVoid(sql.unsafe(statement))

  return {
    find: Effect.fnUntraced(function* (id) {
      const [entry] = yield* sql<CatalogueEntry>`
        SELECT
          role.oid IS NOT NULL AS has_role,
          coalesce(rolcanlogin AND rolconnlimit = ${connectionLimit}::int AND NOT (rolsuper OR rolcreatedb
            OR rolcreaterole OR rolreplication OR rolbypassrls), false) AS is_role_bare,
          database.oid IS NOT NULL AS has_database,
          coalesce(datdba = role.oid AND datallowconn
            AND NOT has_database_privilege('public', database.oid, 'CONNECT'), false) AS is_database_own,
          coalesce(datconnlimit = -2, false) AS is_database_broken,
          shobj_description(database.oid, 'pg_database') AS mark
        FROM (VALUES (1)) AS one
        LEFT JOIN pg_roles AS role ON rolname = ${roleOf(id)}
        LEFT JOIN pg_database AS database ON datname = ${databaseOf(id)}`
      return entry ?? absent
    }),
    putRole: Effect.fnUntraced(function* (id, { hasRole }, password) {
      const verifier = yield* scramVerifier(password)
      yield* run(`${hasRole ? "ALTER" : "CREATE"} ROLE ${quoted(roleOf(id))} ${bare} PASSWORD '${verifier}'`)
    }),
    putDatabase: Effect.fnUntraced(function* (id, { hasDatabase, isDatabaseBroken }) {
      const [database, role] = [quoted(databaseOf(id)), quoted(roleOf(id))]
      if (isDatabaseBroken) yield* run(`DROP DATABASE ${database}`)
      // Nobody can be connected to template0, which would keep a copy of it from being made.
      if (!hasDatabase || isDatabaseBroken) yield* run(`CREATE DATABASE ${database} OWNER ${role} TEMPLATE template0`)
      else {
        yield* run(`ALTER DATABASE ${database} OWNER TO ${role}`)
        yield* run(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`)
      }
      yield* run(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`)
    }),
    mark: (id, mark) => run(`COMMENT ON DATABASE ${quoted(databaseOf(id))} IS '${mark.replaceAll("'", "''")}'`),
    drop: Effect.fnUntraced(function* (id) {
      yield* run(`DROP DATABASE IF EXISTS ${quoted(databaseOf(id))} WITH (FORCE)`)
      yield* run(`DROP ROLE IF EXISTS ${quoted(roleOf(id))}`)
    }),
    openToAll: Effect.map(
      sql<{ readonly datname: string }>`
        SELECT datname FROM pg_database
        WHERE datallowconn AND has_database_privilege('public', oid, 'CONNECT')
        ORDER BY datname`,
      (rows) => rows.map(({ datname }) => datname),
    ),
    ping: Effect.asVoid(Effect.withTracerEnabled(sql`SELECT 1`, false)),
  }
})

const absent: CatalogueEntry = {
  hasRole: false,
  isRoleBare: false,
  hasDatabase: false,
  isDatabaseOwn: false,
  isDatabaseBroken: false,
  mark: null,
}
