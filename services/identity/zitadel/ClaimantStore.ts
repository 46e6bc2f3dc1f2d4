/** Rows of `users`, as far as claims need them. Deleted accounts are not there. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Text from "effect/String"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"
import { type Claimant, claimColumns } from "./claims.ts"

type Row = Omit<Claimant, "createdAt" | "updatedAt"> & { readonly createdAt: Date; readonly updatedAt: Date }

export class ClaimantStore extends Context.Service<
  ClaimantStore,
  {
    /**
     * By the primary key: one indexed read. Every token that Zitadel makes and every introspection waits for it, so the
     * row comes with its names and is not checked again: that would cost as much as the read.
     */
    readonly find: (id: UserId) => Effect.Effect<Option.Option<Claimant>, DatabaseFailed>
  }
>()("identity/ClaimantStore") {
  static readonly layer = Layer.effect(
    ClaimantStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const columns = sql.literal(claimColumns.map((name) => `${Text.camelToSnake(name)} AS "${name}"`).join(", "))

      return ClaimantStore.of({
        find: (id) =>
          Effect.map(
            orDatabaseFailed(
              sql<Row>`SELECT ${columns} FROM users WHERE id = ${id}::uuid AND deleted_at IS NULL`.withoutTransform,
            ),
            ([row]) => (row === undefined ? Option.none() : Option.some(claimantOf(row))),
          ),
      })
    }),
  )
}

const claimantOf = (row: Row): Claimant => ({
  ...row,
  createdAt: DateTime.fromDateUnsafe(row.createdAt),
  updatedAt: DateTime.fromDateUnsafe(row.updatedAt),
})
