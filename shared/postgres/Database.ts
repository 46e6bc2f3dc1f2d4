/** PostgreSQL: a pool of connections with the names of the code on this side and the names of the tables on that. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Text from "effect/String"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { databaseUrl } from "../runtime/EnvConfig.ts"
import { Readiness } from "../runtime/Readiness.ts"

export interface DatabaseOptions {
  readonly url: Redacted.Redacted<string>
  /** Shown by the server in `pg_stat_activity`. */
  readonly applicationName: string
  /** Unset: 10. */
  readonly maxConnections?: number
  /** The server gives up on a statement after this time. Unset: 10 s. */
  readonly statementTimeout?: Duration.Input
  /** Several statements share a connection outside of transactions, which halves their cost. Unset: true. */
  readonly multiplex?: boolean
}

/** The settings that every connection of ours has; `migrate` and tests use them without a pool. */
export const connectionSettings = (options: DatabaseOptions): PgClient.PgPoolConfig => ({
  url: options.url,
  applicationName: options.applicationName,
  maxConnections: options.maxConnections ?? 10,
  connectTimeout: "5 seconds",
  idleTimeout: "60 seconds",
  keepAlive: "30 seconds",
  multiplex: options.multiplex ?? true,
  transformQueryNames: Text.camelToSnake,
  transformResultNames: Text.snakeToCamel,
  // Keys inside of jsonb columns belong to whoever wrote the document.
  transformJson: false,
  startupParameters: {
    statement_timeout: String(Duration.toMillis(options.statementTimeout ?? "10 seconds")),
    idle_in_transaction_session_timeout: "30000",
    timezone: "UTC",
  },
})

/** Adds the check "postgres": the server answers a query. */
const registerCheck = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const readiness = yield* Readiness
  yield* readiness.register("postgres", Effect.withTracerEnabled(sql`SELECT 1`, false))
})

/**
 * `SqlClient` and `PgClient` over one pool, in camelCase here and snake_case there. Connections are made when they are
 * first needed, so that a process starts while its database is away; the readiness check "postgres" tells.
 */
export const layer = (
  options: DatabaseOptions,
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError, Readiness> =>
  Layer.provideMerge(Layer.effectDiscard(registerCheck), PgClient.layer(connectionSettings(options)))

/** As `layer`, with `DATABASE_URL` and `DATABASE_MAX_CONNECTIONS` (unset: 10). */
export const layerConfig = (
  options: Omit<DatabaseOptions, "url" | "maxConnections">,
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError | Config.ConfigError, Readiness> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = yield* databaseUrl
      const maxConnections = yield* Config.Int("DATABASE_MAX_CONNECTIONS").pipe(Config.withDefault(10))
      return layer({ ...options, url, maxConnections })
    }),
  )
