/** Databases and their owners on a server, made over a connection of its superuser. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { scramVerifier } from "./ScramVerifier.ts"

/** One connection to the server, so that locks taken on it are seen by what follows on it. */
export const connection = (url: Redacted.Redacted<string>): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  PgClient.layer({ url, maxConnections: 1, multiplex: false, applicationName: "database-store" })

/** The URL with another database, and where given another role. */
export const withDatabase = (
  url: Redacted.Redacted<string>,
  database: string,
  role?: { readonly name: string; readonly password: Redacted.Redacted<string> },
): Redacted.Redacted<string> => {
  const changed = new URL(Redacted.value(url))
  changed.pathname = `/${database}`
  if (role !== undefined) {
    changed.username = role.name
    changed.password = Redacted.value(role.password)
  }
  return Redacted.make(changed.href)
}

/**
 * The database of that name, owned by a login role of the same name with that password; nobody else but superusers may
 * connect to it. What is there already stays, only the password is set anew.
 */
export const ensureOwned = Effect.fnUntraced(function* (
  name: string,
  password: Redacted.Redacted<string>,
): Effect.fn.Return<void, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const roles = yield* sql`SELECT 1 FROM pg_roles WHERE rolname = ${name}`
  const verifier = yield* scramVerifier(password)
  // Utility statements take no parameters; a verifier holds neither quotes nor backslashes.
  const verb = roles.length === 0 ? "CREATE" : "ALTER"
  yield* sql.unsafe(`${verb} ROLE ${quoted(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${verifier}'`)
  if (!(yield* exists(name))) yield* sql.unsafe(`CREATE DATABASE ${quoted(name)} OWNER ${quoted(name)}`)
  yield* closeToPublic(name)
})

/** Only the owner and superusers may connect from now on. */
export const closeToPublic = Effect.fnUntraced(function* (
  name: string,
): Effect.fn.Return<void, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`REVOKE ALL ON DATABASE ${quoted(name)} FROM PUBLIC`)
})

/** Whether there is such a database. */
export const exists = Effect.fnUntraced(function* (
  name: string,
): Effect.fn.Return<boolean, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  return (yield* sql`SELECT 1 FROM pg_database WHERE datname = ${name}`).length > 0
})

/** A new database: empty, or equal to the template. */
export const create = Effect.fnUntraced(function* (
  name: string,
  template?: string,
): Effect.fn.Return<void, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`CREATE DATABASE ${quoted(name)}${template === undefined ? "" : ` TEMPLATE ${quoted(template)}`}`)
})

/** Gives the database another name; nobody may be connected to it. */
export const rename = Effect.fnUntraced(function* (
  name: string,
  to: string,
): Effect.fn.Return<void, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`ALTER DATABASE ${quoted(name)} RENAME TO ${quoted(to)}`)
})

/** Ends the sessions on the database and drops it, if it is there. */
export const drop = Effect.fnUntraced(function* (name: string): Effect.fn.Return<void, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`)
})

/** Runs the effect while no other session of the server that calls this with the same name does. */
export const exclusively =
  (name: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R | SqlClient.SqlClient> =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      Effect.acquireUseRelease(
        sql`SELECT pg_advisory_lock(hashtextextended(${name}, 0))`,
        () => effect,
        () => Effect.orDie(sql`SELECT pg_advisory_unlock(hashtextextended(${name}, 0))`),
      ),
    )

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
