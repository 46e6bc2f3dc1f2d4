/** Deletes what belongs to a person from all tables that know people; `erasure.test.ts` knows which those are. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { digestOf } from "../credentials/LockoutStore.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"

/** By what else than the id a person is known. */
export interface Names {
  readonly email: string | null
  readonly username: string | null
}

export class ErasureStore extends Context.Service<
  ErasureStore,
  {
    /** Until the transaction ends nobody else changes who belongs to the person's organizations. */
    readonly lockOrganizations: (id: UserId) => Effect.Effect<void, DatabaseFailed>
    /** Whether an organization with other members has no other owner. */
    readonly isLastOwner: (id: UserId) => Effect.Effect<boolean, DatabaseFailed>
    /** Deletes sessions, mailed tokens, mails, lock-outs and kept answers. */
    readonly deleteBelongings: (id: UserId, names: Names) => Effect.Effect<void, DatabaseFailed>
    /** Empties the row of the account, which stays, so that its id never comes again. */
    readonly emptyUser: (id: UserId) => Effect.Effect<void, DatabaseFailed>
    /** Puts the pseudonym into the person's security events, and takes address and program out of them. */
    readonly pseudonymise: (id: UserId, pseudonym: string) => Effect.Effect<void, DatabaseFailed>
    /** Whom something began to be written of before they were erased, within the last day, and ended after it. */
    readonly withLeftovers: Effect.Effect<ReadonlyArray<UserId>, DatabaseFailed>
  }
>()("identity/ErasureStore") {
  static readonly layer = Layer.effect(
    ErasureStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const deleteBelongings = Effect.fnUntraced(function* (id: UserId, { email, username }: Names) {
        yield* sql`DELETE FROM sessions WHERE user_id = ${id}::uuid`
        yield* sql`DELETE FROM password_reset_tokens WHERE user_id = ${id}::uuid`
        yield* sql`DELETE FROM email_verification_tokens WHERE user_id = ${id}::uuid`
        yield* sql`DELETE FROM mails WHERE user_id = ${id}::uuid`
        // Rows of one transaction share its time: so an answer is found by the security event of the same call.
        yield* sql`
          DELETE FROM idempotency WHERE caller = ${`endUser/${id}`}
            OR created_at IN (SELECT occurred_at FROM security_audit_log WHERE user_id = ${id}::uuid)`
        for (const identifier of [email, username]) {
          if (identifier === null) continue
          yield* sql`DELETE FROM guesses WHERE digest = ${digestOf({ _tag: "Identifier", identifier })}::bytea`
        }
      })

      return ErasureStore.of({
        lockOrganizations: (id) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              SELECT 1 FROM organizations
              WHERE id IN (SELECT organization_id FROM members WHERE user_id = ${id}::uuid)
              ORDER BY id FOR UPDATE`),
          ),
        isLastOwner: (id) =>
          orDatabaseFailed(
            Effect.map(
              sql`
                SELECT 1 FROM members own
                JOIN members m ON m.organization_id = own.organization_id AND m.id <> own.id AND m.status = 'active'
                JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
                WHERE own.user_id = ${id}::uuid AND own.role = 'owner'
                GROUP BY own.id HAVING bool_and(m.role <> 'owner')
                LIMIT 1`,
              (rows) => rows.length > 0,
            ),
          ),
        deleteBelongings: (id, names) => orDatabaseFailed(deleteBelongings(id, names)),
        emptyUser: (id) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              UPDATE users SET username = NULL, email = NULL, email_verified = false, password_hash = NULL,
                display_name = NULL, avatar_url = NULL, first_name = NULL, last_name = NULL, bio = NULL, location = NULL,
                phone_number = NULL, phone_verified = false, totp_secret = NULL, totp_enabled = false,
                totp_last_step = NULL, is_active = false, failed_login_attempts = 0, last_failed_login_at = NULL,
                locked_until = NULL, last_login_at = NULL, password_changed_at = NULL,
                deleted_at = coalesce(deleted_at, now()), erased_at = now()
              WHERE id = ${id}::uuid`),
          ),
        pseudonymise: (id, pseudonym) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              UPDATE security_audit_log
              SET user_id = NULL, pseudonym = ${pseudonym}, ip_address = '', user_agent = ''
              WHERE user_id = ${id}::uuid`),
          ),
        withLeftovers: orDatabaseFailed(
          Effect.map(
            sql<{ readonly id: UserId }>`
              SELECT id FROM users
              WHERE erased_at > now() - interval '1 day' AND (
                EXISTS (SELECT 1 FROM security_audit_log WHERE user_id = users.id)
                OR EXISTS (SELECT 1 FROM mails WHERE user_id = users.id)
                OR EXISTS (SELECT 1 FROM password_reset_tokens WHERE user_id = users.id)
                OR EXISTS (SELECT 1 FROM email_verification_tokens WHERE user_id = users.id)
              )`,
            (rows) => rows.map(({ id }) => id),
          ),
        ),
      })
    }),
  )
}
