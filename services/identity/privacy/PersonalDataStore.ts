/** Reads what is stored about a person from all tables that know people: no hash, secret or token. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { Statement } from "effect/sql/Statement"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"
import type { Facts, ListName } from "./PersonalData.ts"

export class PersonalDataStore extends Context.Service<
  PersonalDataStore,
  {
    /** A deleted account too, until it is erased. */
    readonly user: (id: UserId) => Effect.Effect<Option.Option<Facts>, DatabaseFailed>
    readonly totp: (id: UserId) => Effect.Effect<Facts, DatabaseFailed>
    /** The newest first. */
    readonly list: (id: UserId, list: ListName, atMost: number) => Effect.Effect<ReadonlyArray<Facts>, DatabaseFailed>
  }
>()("identity/PersonalDataStore") {
  static readonly layer = Layer.effect(
    PersonalDataStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const user = (id: UserId) => sql<Facts>`
        SELECT id, username, email, email_verified, display_name, avatar_url, first_name, last_name, bio, location,
          phone_number, phone_verified, password_hash IS NOT NULL AS has_password, is_active AS active,
          failed_login_attempts, last_failed_login_at, locked_until, last_login_at, password_changed_at, created_at,
          updated_at, deleted_at
        FROM users WHERE id = ${id}::uuid AND erased_at IS NULL`

      const totp = (id: UserId) => sql<Facts>`
        SELECT totp_enabled AS enabled, totp_secret IS NOT NULL AND NOT totp_enabled AS awaits_first_code,
          to_timestamp(totp_last_step * 30) AS last_code_at,
          (SELECT count(*)::int FROM recovery_codes WHERE user_id = users.id AND used_at IS NULL) AS recovery_codes_left,
          (SELECT count(*)::int FROM totp_challenges
            WHERE user_id = users.id AND answered_at IS NULL AND expires_at > now()) AS open_challenges
        FROM users WHERE id = ${id}::uuid`

      const rows: Readonly<Record<ListName, (id: UserId) => Statement<Facts>>> = {
        sessions: (id) => sql<Facts>`
          SELECT id, created_at, last_used_at, expires_at, ip_address, user_agent, ended_at, end_reason
          FROM sessions WHERE user_id = ${id}::uuid ORDER BY created_at DESC, id DESC`,
        securityEvents: (id) => sql<Facts>`
          SELECT id, action, key_id, peer, ip_address, user_agent, request_id, details, occurred_at
          FROM security_audit_log WHERE user_id = ${id}::uuid ORDER BY occurred_at DESC, id DESC`,
        mails: (id) => sql<Facts>`
          SELECT kind, sealed IS NOT NULL AS waiting, attempts, created_at, expires_at
          FROM mails WHERE user_id = ${id}::uuid ORDER BY created_at DESC, id DESC`,
        mailedTokens: (id) => sql<Facts>`
          SELECT 'passwordReset' AS purpose, NULL AS address, created_at, expires_at, used_at
          FROM password_reset_tokens WHERE user_id = ${id}::uuid
          UNION ALL
          SELECT 'emailVerification', email, created_at, expires_at, used_at
          FROM email_verification_tokens WHERE user_id = ${id}::uuid
          ORDER BY created_at DESC`,
        zitadel: (id) => sql<Facts>`
          SELECT zitadel_user_id, organization_id, linked_at FROM zitadel_links WHERE user_id = ${id}::uuid`,
      }

      return PersonalDataStore.of({
        user: (id) => orDatabaseFailed(Effect.map(user(id), ([row]) => Option.fromUndefinedOr(row))),
        totp: (id) => orDatabaseFailed(Effect.map(totp(id), ([row]) => row ?? {})),
        list: (id, list, atMost) =>
          orDatabaseFailed(sql<Facts>`SELECT * FROM (${rows[list](id)}) AS entry LIMIT ${atMost}::int`),
      })
    }),
  )
}
