/** Transactions, and what a failure of the database is called. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { DatabaseFailed } from "./DatabaseFailed.ts"

/** Connection exceptions, exhausted resources, and a server that starts, stops or was told to (PostgreSQL, appendix A). */
const awayStates = /^(08|53|57P)/

const Coded = Schema.Struct({ code: Schema.String })

const codeOf = ({ reason: { cause } }: SqlError): string => (Schema.is(Coded)(cause) ? cause.code : "")

const failed = (error: SqlError): DatabaseFailed =>
  new DatabaseFailed({
    away: error.reason.isRetryable || awayStates.test(codeOf(error)),
    cause: error,
  })

/** A failed statement as the use cases know it. A row that is not what its schema says is a defect. */
export const orDatabaseFailed = <A, R>(
  effect: Effect.Effect<A, SqlError | Schema.SchemaError, R>,
): Effect.Effect<A, DatabaseFailed, R> =>
  Effect.catch(effect, (error) => (error._tag === "SqlError" ? Effect.fail(failed(error)) : Effect.die(error)))

export class TransactionStore extends Context.Service<
  TransactionStore,
  {
    /** Runs the effect in one transaction: all of its statements are committed, or none is. */
    readonly atomically: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | DatabaseFailed, R>
    /**
     * As part of the transaction that the caller runs in, without a savepoint: what fails here must fail there. Without
     * one, as `atomically`.
     */
    readonly together: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | DatabaseFailed, R>
    /** Runs the effect after the outermost transaction has been committed, and before anybody is told of that. */
    readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
  }
>()("identity/TransactionStore") {
  static readonly layer = Layer.effect(
    TransactionStore,
    Effect.map(SqlClient.SqlClient, (sql) => {
      const atomically = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        // The effect's own failures pass through as values, so that only the database's are translated.
        sql
          .withTransaction(Effect.mapError(effect, (failure) => ({ failure })))
          .pipe(
            Effect.catch(
              (error): Effect.Effect<never, E | DatabaseFailed> =>
                "failure" in error ? Effect.fail(error.failure) : orDatabaseFailed(Effect.fail(error)),
            ),
          )
      return TransactionStore.of({
        afterCommit: sql.afterCommit,
        atomically,
        together: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.flatMap(
            Effect.serviceOption(sql.transactionService),
            (outer): Effect.Effect<A, E | DatabaseFailed, R> => (Option.isSome(outer) ? effect : atomically(effect)),
          ),
      })
    }),
  )
}
