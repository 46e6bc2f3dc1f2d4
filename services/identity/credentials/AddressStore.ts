/** Who an e-mail address belongs to. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"

export interface AddressOwner {
  readonly userId: UserId
  /** As its owner writes it: mails go there, never to what somebody else wrote. */
  readonly email: string
  readonly emailVerified: boolean
  /** The account is gone, and its address is not free yet. */
  readonly deleted: boolean
}

export class AddressStore extends Context.Service<
  AddressStore,
  {
    /** In any case; deleted accounts too, until they are erased. */
    readonly owner: (email: string) => Effect.Effect<Option.Option<AddressOwner>, DatabaseFailed>
    /** Whether the account may be used with this address: it was not changed, nor the account deleted, since. */
    readonly verify: (userId: UserId, email: string) => Effect.Effect<boolean, DatabaseFailed>
  }
>()("identity/AddressStore") {
  static readonly layer = Layer.effect(
    AddressStore,
    Effect.map(SqlClient.SqlClient, (sql) =>
      AddressStore.of({
        owner: (email) =>
          orDatabaseFailed(
            Effect.map(
              sql<AddressOwner>`
                SELECT id AS user_id, email, email_verified, deleted_at IS NOT NULL AS deleted
                FROM users WHERE lower(email) = lower(${email})`,
              ([row]) => Option.fromUndefinedOr(row),
            ),
          ),
        verify: (userId, email) =>
          orDatabaseFailed(
            Effect.map(
              sql`
                UPDATE users SET email_verified = true, updated_at = now()
                WHERE id = ${userId}::uuid AND lower(email) = lower(${email}) AND deleted_at IS NULL
                RETURNING 1`,
              (rows) => rows.length > 0,
            ),
          ),
      }),
    ),
  )
}
