/** What tests look up in all tables at once, behind the program's back. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

const tables = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ readonly name: string }>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`,
)

/** Where a text occurs, in any case, as `table: text`: as it is, or in bytes, hex or base64. */
export const occurrences = Effect.fnUntraced(function* (texts: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const found: Array<string> = []
  for (const { name } of yield* tables) {
    for (const text of texts) {
      const bytes = Buffer.from(text)
      const forms = [text, bytes.toString("hex"), bytes.toString("base64").replace(/=+$/, "").slice(0, -1)]
      const rows = yield* sql`
        SELECT 1 FROM ${sql(name)} AS row
        WHERE to_jsonb(row)::text ILIKE ANY(${forms.map((form) => `%${form}%`)}::text[])`
      if (rows.length > 0) found.push(`${name}: ${text}`)
    }
  }
  return found
}, Effect.orDie)

/** The columns that know a user: by a foreign key, or by their name. As `table.column`. */
export const columnsOfUsers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly column: string }>`
    SELECT conrelid::regclass || '.' || attname AS column
    FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey)
    WHERE contype = 'f' AND confrelid = 'users'::regclass
    UNION
    SELECT table_name || '.' || column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name LIKE '%user_id'
    ORDER BY 1`
  return rows.map(({ column }) => column)
}).pipe(Effect.orDie)

/** Runs the effect while nothing can be recorded, so that every recorded call fails as late as it can. */
export const withoutRecord = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`ALTER TABLE security_audit_log ADD CONSTRAINT nothing_is_recorded CHECK (false) NOT VALID`
    return yield* Effect.ensuring(
      effect,
      Effect.orDie(sql`ALTER TABLE security_audit_log DROP CONSTRAINT nothing_is_recorded`),
    )
  })
