/** The database did not do what was asked of it, and the asker cannot help it. */
import * as Schema from "effect/Schema"

export class DatabaseFailed extends Schema.TaggedError<DatabaseFailed>()("DatabaseFailed", {
  /** It is away, busy or starting, and a repeat may succeed; false: it answered, and refused. */
  away: Schema.Boolean,
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return this.away ? "the database is away" : "the database refused a statement"
  }
}
