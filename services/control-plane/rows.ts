/** What a statement answers, as models. A row that is no model, like a database that fails, is a defect of ours. */
import * as Array from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"

type Rows = Effect.Effect<ReadonlyArray<unknown>, SqlError>

/** Every row as a model of `schema`. */
export const all = <A>(schema: Schema.Codec<A, unknown>): ((rows: Rows) => Effect.Effect<ReadonlyArray<A>>) => {
  const decode = Schema.decodeUnknownEffect(Schema.Array(schema))
  return (rows) => Effect.orDie(Effect.flatMap(rows, decode))
}

/** The first row, if there is one. */
export const first = <A>(schema: Schema.Codec<A, unknown>): ((rows: Rows) => Effect.Effect<Option.Option<A>>) => {
  const read = all(schema)
  return (rows) => Effect.map(read(rows), Array.head)
}

/** The one row that a statement must answer. */
export const only = <A>(schema: Schema.Codec<A, unknown>): ((rows: Rows) => Effect.Effect<A>) => {
  const read = first(schema)
  return (rows) => Effect.orDie(Effect.flatMap(read(rows), Effect.fromOption))
}

/** How many rows there are, of a statement that answers `SELECT count(*)::int AS count`. */
export const count = only(Schema.Struct({ count: Schema.Int }))

/** Runs a statement that answers nothing. */
export const run = (rows: Rows): Effect.Effect<void> => Effect.asVoid(Effect.orDie(rows))
