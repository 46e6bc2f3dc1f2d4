/** What tests look up in the database behind the use cases' back. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { eventually } from "#shared/testing/eventually.ts"

export interface WaitingEvent {
  readonly subject: string
  readonly aggregate: string
  readonly payload: Uint8Array
}

/** The events of one aggregate that wait to be published, in their order. */
export const eventsOf = (aggregate: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.orDie(
      sql<WaitingEvent>`SELECT subject, aggregate, payload FROM outbox WHERE aggregate = ${aggregate} ORDER BY position`,
    ),
  )

/** How many messages whose ids begin so a consumer has handled. */
export const handledBy = (consumer: string, prefix: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      Effect.orDie(sql<{ readonly count: number }>`
        SELECT count(*)::int AS count FROM inbox WHERE consumer = ${consumer} AND starts_with(message_id, ${prefix})`),
      ([row]) => row?.count ?? 0,
    ),
  )

/** The names of the tables in which a text occurs, whatever the column, as it is or in bytes, hex or base64. */
export const tablesWith = Effect.fnUntraced(function* (text: string) {
  const sql = yield* SqlClient.SqlClient
  const bytes = Buffer.from(text)
  const forms = [text, bytes.toString("hex"), bytes.toString("base64").replace(/=+$/, "").slice(0, -1)]
  const tables = yield* sql<{ readonly name: string }>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`
  const found: Array<string> = []
  for (const { name } of tables) {
    const rows = yield* sql`
      SELECT 1 FROM ${sql(name)} AS row WHERE to_jsonb(row)::text LIKE ANY(${forms.map((form) => `%${form}%`)}::text[])`
    if (rows.length > 0) found.push(name)
  }
  return found
}, Effect.orDie)

/** Runs a change that no use case offers. */
export const change = (statement: (sql: SqlClient.SqlClient) => Effect.Effect<unknown, unknown>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.orDie(statement(sql)))

/** Runs the effect while a workspace is held: whoever wants to change it waits until the effect is over. */
export const holding = <A, E, R>(workspaceId: string, effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(Effect.andThen(sql`SELECT 1 FROM workspaces WHERE id = ${workspaceId} FOR UPDATE`, effect)),
  )

/** Waits, within `holding`, until somebody waits for what it holds. */
export const somebodyWaits = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  eventually(
    Effect.filterOrFail(
      sql`SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`,
      (rows) => rows.length > 0,
    ),
  ),
)
