/** Second factors of `users`, and rows of `recovery_codes`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"
import type { StepProof, StoredAuthenticator } from "./Authenticator.ts"

export class AuthenticatorStore extends Context.Service<
  AuthenticatorStore,
  {
    /** Keeps others from changing the account until the transaction ends. None: deleted, or never was. */
    readonly lock: (id: UserId) => Effect.Effect<Option.Option<StoredAuthenticator>, DatabaseFailed>
    /** Replaces an unconfirmed secret; false where TOTP is on, or there is no account. */
    readonly enroll: (id: UserId, sealedSecret: string) => Effect.Effect<boolean, DatabaseFailed>
    /** Turns TOTP on by a step; false where it is on, or the secret is another one by now. */
    readonly enable: (id: UserId, proof: StepProof) => Effect.Effect<boolean, DatabaseFailed>
    /** Accepts a step; false where it, or a later one, was accepted before: of two at the same time one wins. */
    readonly acceptStep: (id: UserId, proof: StepProof) => Effect.Effect<boolean, DatabaseFailed>
    /** Whether it is a recovery code of the account that was not used. */
    readonly hasRecoveryCode: (id: UserId, digest: Uint8Array) => Effect.Effect<boolean, DatabaseFailed>
    /** Uses a recovery code up; false where it was before: of two at the same time one wins. */
    readonly useRecoveryCode: (id: UserId, digest: Uint8Array) => Effect.Effect<boolean, DatabaseFailed>
    readonly countRecoveryCodes: (id: UserId) => Effect.Effect<number, DatabaseFailed>
    readonly replaceRecoveryCodes: (
      id: UserId,
      digests: ReadonlyArray<Uint8Array>,
    ) => Effect.Effect<void, DatabaseFailed>
    /** Deletes secret, recovery codes and challenges; false where TOTP was off. */
    readonly remove: (id: UserId) => Effect.Effect<boolean, DatabaseFailed>
  }
>()("identity/AuthenticatorStore") {
  static readonly layer = Layer.effect(
    AuthenticatorStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const any = <E, R>(rows: Effect.Effect<ReadonlyArray<unknown>, E, R>) =>
        Effect.map(rows, (found) => found.length > 0)

      const replaceRecoveryCodes = Effect.fnUntraced(function* (id: UserId, digests: ReadonlyArray<Uint8Array>) {
        yield* sql`DELETE FROM recovery_codes WHERE user_id = ${id}::uuid`
        yield* Effect.forEach(
          digests,
          (digest) => sql`INSERT INTO recovery_codes (user_id, digest) VALUES (${id}::uuid, ${digest}::bytea)`,
          { discard: true },
        )
      })

      const remove = Effect.fnUntraced(function* (id: UserId) {
        const [before] = yield* sql<{ readonly enabled: boolean }>`
          SELECT totp_enabled AS enabled FROM users WHERE id = ${id}::uuid FOR UPDATE`
        yield* sql`
          UPDATE users SET totp_secret = NULL, totp_enabled = false, totp_last_step = NULL WHERE id = ${id}::uuid`
        yield* sql`DELETE FROM recovery_codes WHERE user_id = ${id}::uuid`
        yield* sql`DELETE FROM totp_challenges WHERE user_id = ${id}::uuid`
        return before?.enabled ?? false
      })

      return AuthenticatorStore.of({
        lock: (id) =>
          orDatabaseFailed(
            Effect.map(
              sql<StoredAuthenticator>`
                SELECT id AS user_id, totp_secret AS sealed_secret, totp_enabled AS enabled, totp_last_step::int AS last_step
                FROM users WHERE id = ${id}::uuid AND deleted_at IS NULL
                FOR UPDATE`,
              ([row]) => Option.fromUndefinedOr(row),
            ),
          ),
        enroll: (id, sealedSecret) =>
          orDatabaseFailed(
            any(sql`
              UPDATE users SET totp_secret = ${sealedSecret}, totp_last_step = NULL
              WHERE id = ${id}::uuid AND NOT totp_enabled AND deleted_at IS NULL
              RETURNING 1`),
          ),
        enable: (id, { sealedSecret, step, resealed }) =>
          orDatabaseFailed(
            any(sql`
              UPDATE users SET totp_enabled = true, totp_last_step = ${step}::bigint, totp_secret = ${resealed}
              WHERE id = ${id}::uuid AND totp_secret = ${sealedSecret} AND NOT totp_enabled AND deleted_at IS NULL
              RETURNING 1`),
          ),
        acceptStep: (id, { sealedSecret, step, resealed }) =>
          orDatabaseFailed(
            any(sql`
              UPDATE users SET totp_last_step = ${step}::bigint, totp_secret = ${resealed}
              WHERE id = ${id}::uuid AND totp_secret = ${sealedSecret} AND totp_enabled AND deleted_at IS NULL
                AND (totp_last_step IS NULL OR totp_last_step < ${step}::bigint)
              RETURNING 1`),
          ),
        hasRecoveryCode: (id, digest) =>
          orDatabaseFailed(
            any(sql`
              SELECT 1 FROM recovery_codes
              WHERE user_id = ${id}::uuid AND digest = ${digest}::bytea AND used_at IS NULL`),
          ),
        useRecoveryCode: (id, digest) =>
          orDatabaseFailed(
            any(sql`
              UPDATE recovery_codes SET used_at = now()
              WHERE user_id = ${id}::uuid AND digest = ${digest}::bytea AND used_at IS NULL
              RETURNING 1`),
          ),
        countRecoveryCodes: (id) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly count: number }>`
                SELECT count(*)::int AS count FROM recovery_codes WHERE user_id = ${id}::uuid AND used_at IS NULL`,
              ([row]) => row?.count ?? 0,
            ),
          ),
        replaceRecoveryCodes: (id, digests) => orDatabaseFailed(replaceRecoveryCodes(id, digests)),
        remove: (id) => orDatabaseFailed(remove(id)),
      })
    }),
  )
}
