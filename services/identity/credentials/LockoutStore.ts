/** Wrong guesses: those at an account in `users`, all others in `guesses`. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { sha256 } from "#shared/crypto/digest.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"
import { clientNetwork } from "./clientNetwork.ts"
import type { Tally } from "./Lockout.ts"

/** What guesses are counted by. */
export type Guessed =
  | { readonly _tag: "Account"; readonly userId: UserId }
  /** An e-mail address or username, in any case, that nobody has. */
  | { readonly _tag: "Identifier"; readonly identifier: string }
  /** An IP address; of IPv6 its network of 64 bits, since that is what one subscriber gets. */
  | { readonly _tag: "Address"; readonly address: string }

export class LockoutStore extends Context.Service<
  LockoutStore,
  {
    /** For how long guesses are refused. Milliseconds; 0: they are not. */
    readonly lockedFor: (guessed: Guessed) => Effect.Effect<number, DatabaseFailed>
    /** The tally; until the transaction ends nobody else changes it. */
    readonly tallyForUpdate: (guessed: Guessed) => Effect.Effect<Tally, DatabaseFailed>
    /** Counts a wrong guess now. */
    readonly save: (
      guessed: Guessed,
      tally: Pick<Tally, "failures" | "lockedForMillis">,
    ) => Effect.Effect<void, DatabaseFailed>
    /** Forgets the wrong guesses at an account that is not locked; false where it is. */
    readonly forget: (userId: UserId) => Effect.Effect<boolean, DatabaseFailed>
    /** Deletes what nobody remembers. */
    readonly sweep: (olderThan: Duration.Duration) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/LockoutStore") {
  static readonly layer = Layer.effect(
    LockoutStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const lockedFor = sql.literal(
        "(greatest(extract(epoch FROM locked_until - clock_timestamp()), 0) * 1000)::float8 AS locked_for_millis",
      )
      const until = (millis: number) =>
        millis === 0 ? sql`NULL` : sql`clock_timestamp() + make_interval(secs => ${millis / 1000}::float8)`

      const locked = (guessed: Guessed) =>
        Effect.map(
          guessed._tag === "Account"
            ? sql<Pick<Tally, "lockedForMillis">>`SELECT ${lockedFor} FROM users WHERE id = ${guessed.userId}::uuid`
            : sql<Pick<Tally, "lockedForMillis">>`
                SELECT ${lockedFor} FROM guesses WHERE digest = ${digestOf(guessed)}::bytea`,
          ([row]) => row?.lockedForMillis ?? 0,
        )

      const tallyForUpdate = Effect.fnUntraced(function* (guessed: Guessed) {
        const [row] =
          guessed._tag === "Account"
            ? yield* sql<Tally>`
                SELECT failed_login_attempts AS failures, ${lockedFor},
                  (extract(epoch FROM clock_timestamp() - last_failed_login_at) * 1000)::float8 AS millis_since_last
                FROM users WHERE id = ${guessed.userId}::uuid FOR UPDATE`
            : yield* sql<Tally>`
                INSERT INTO guesses (digest, failures) VALUES (${digestOf(guessed)}::bytea, 0)
                ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest
                RETURNING failures, ${lockedFor},
                  (extract(epoch FROM clock_timestamp() - last_failed_at) * 1000)::float8 AS millis_since_last`
        return row ?? { failures: 0, millisSinceLast: null, lockedForMillis: 0 }
      })

      return LockoutStore.of({
        lockedFor: (guessed) => orDatabaseFailed(locked(guessed)),
        tallyForUpdate: (guessed) => orDatabaseFailed(tallyForUpdate(guessed)),
        save: (guessed, { failures, lockedForMillis }) =>
          orDatabaseFailed(
            Effect.asVoid(
              guessed._tag === "Account"
                ? sql`
                    UPDATE users SET failed_login_attempts = ${failures}::int, last_failed_login_at = clock_timestamp(),
                      locked_until = ${until(lockedForMillis)}
                    WHERE id = ${guessed.userId}::uuid`
                : sql`
                    UPDATE guesses SET failures = ${failures}::int, last_failed_at = clock_timestamp(),
                      locked_until = ${until(lockedForMillis)}
                    WHERE digest = ${digestOf(guessed)}::bytea`,
            ),
          ),
        forget: (userId) =>
          orDatabaseFailed(
            Effect.map(
              sql`
                UPDATE users SET failed_login_attempts = 0, locked_until = NULL
                WHERE id = ${userId}::uuid AND (locked_until IS NULL OR locked_until <= clock_timestamp())
                RETURNING 1`,
              (rows) => rows.length > 0,
            ),
          ),
        sweep: (olderThan) =>
          orDatabaseFailed(
            Effect.asVoid(
              sql`DELETE FROM guesses
                WHERE last_failed_at < now() - make_interval(secs => ${Duration.toSeconds(olderThan)}::float8)`,
            ),
          ),
      })
    }),
  )
}

/** The key of a row of `guesses`: nobody reads out of the table who was guessed at, or from where. */
export const digestOf = (guessed: Exclude<Guessed, { readonly _tag: "Account" }>): Uint8Array =>
  guessed._tag === "Identifier"
    ? sha256(`identifier ${guessed.identifier.toLowerCase()}`)
    : sha256(`address ${clientNetwork(guessed.address)}`)
