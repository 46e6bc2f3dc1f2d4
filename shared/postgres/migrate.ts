/** Brings a database to the state that plain SQL files describe: forward only, once, whoever comes first. */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import { sha256 } from "../crypto/digest.ts"
import { describeError } from "../telemetry/renderCause.ts"
import { connectionSettings } from "./Database.ts"
import { sqlStatements } from "./sqlStatements.ts"

/** The database is not in the state that the files describe; says which file, and why. */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>()("MigrationFailed", {
  /** The file's name, or the directory's. */
  file: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

/** A file of the directory. */
interface Migration {
  readonly version: number
  readonly file: string
  readonly text: string
  readonly checksum: string
}

interface Applied {
  readonly version: number
  readonly name: string
  readonly checksum: string
}

const fileName = /^(\d{4})_[a-z0-9_]+\.sql$/
/** Any number, as long as nobody else locks it. */
const migrationLock = 0x6d696772

const read = (directory: string): Effect.Effect<ReadonlyArray<Migration>, MigrationFailed> =>
  Effect.gen(function* () {
    const attempt = <A>(file: string, read: () => Promise<A>) =>
      Effect.tryPromise({ try: read, catch: () => new MigrationFailed({ file, reason: "it cannot be read" }) })
    const files = (yield* attempt(directory, () => readdir(directory))).filter((file) => file.endsWith(".sql")).sort()
    return yield* Effect.forEach(files, (file, index) =>
      Effect.gen(function* () {
        const version = Number(fileName.exec(file)?.[1] ?? Number.NaN)
        if (Number.isNaN(version)) return yield* new MigrationFailed({ file, reason: "its name is not NNNN_name.sql" })
        if (version !== index + 1) {
          return yield* new MigrationFailed({
            file,
            reason: `number ${String(index + 1).padStart(4, "0")} is expected`,
          })
        }
        const text = yield* attempt(file, () => readFile(join(directory, file), "utf8"))
        return { version, file, text, checksum: sha256(text).toString("hex") }
      }),
    )
  })

/** Refuses what was applied and is no longer the same, by name. */
const compare = (
  files: ReadonlyArray<Migration>,
  applied: ReadonlyArray<Applied>,
): Effect.Effect<ReadonlyArray<Migration>, MigrationFailed> =>
  Effect.gen(function* () {
    for (const { version, name, checksum } of applied) {
      const file = files[version - 1]
      if (file === undefined) return yield* new MigrationFailed({ file: name, reason: "it was applied and is missing" })
      if (file.file !== name || file.checksum !== checksum) {
        return yield* new MigrationFailed({ file: file.file, reason: "it was applied and has changed since" })
      }
    }
    return files.slice(applied.length)
  })

/**
 * Applies the files `NNNN_name.sql` of the directory that were not applied yet, each in a transaction of its own, in
 * their order and without gaps, and notes them in `schema_migrations`. Starters that come at the same time wait for
 * the first one. Semicolons end statements; `BEGIN` and `COMMIT` have no place in a file.
 */
export const migrate = (options: {
  readonly url: Redacted.Redacted<string>
  readonly directory: string
}): Effect.Effect<void, MigrationFailed> =>
  Effect.gen(function* () {
    const files = yield* read(options.directory)
    const sql = yield* PgClient.makeClient(
      connectionSettings({
        url: options.url,
        applicationName: "migrate",
        statementTimeout: "10 minutes",
        multiplex: false,
      }),
    )
    // Held by the connection: a starter that dies gives it back.
    yield* sql`SELECT pg_advisory_lock(${migrationLock}::bigint)`
    yield* sql`
      CREATE TABLE IF NOT EXISTS schema_migrations (
        version int PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      )`
    const applied = yield* sql<Applied>`SELECT version, name, checksum FROM schema_migrations ORDER BY version`
    const missing = yield* compare(files, applied)
    yield* Effect.forEach(missing, ({ version, file, text, checksum }) =>
      Effect.forEach(sqlStatements(text), (statement) => sql.unsafe(statement), { discard: true }).pipe(
        Effect.andThen(sql`INSERT INTO schema_migrations ${sql.insert({ version, name: file, checksum })}`),
        sql.withTransaction,
        Effect.mapError((error) => failed(file, error)),
      ),
    )
  }).pipe(
    Effect.scoped,
    Effect.provide(Reactivity.layer),
    Effect.catchTag("SqlError", (error) => failed(options.directory, error)),
  )

const failed = (file: string, error: SqlError) => new MigrationFailed({ file, reason: describeError(error) })
