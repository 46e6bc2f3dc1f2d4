/** Passwords of `users`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlSchema from "effect/sql/SqlSchema"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { ClientInfo } from "../sessions/Session.ts"
import { User, type UserId } from "../users/User.ts"
import { userColumns } from "../users/UserStore.ts"
import { digestOf } from "./LockoutStore.ts"

export interface StoredCredential {
  readonly userId: UserId
  /** PHC string; null: no password opens the account. */
  readonly passwordHash: string | null
  readonly isActive: boolean
  readonly emailVerified: boolean
  readonly totpEnabled: boolean
}

/** A password that was right, and the hash that it is to have from now on. */
export interface OpenedCredential {
  readonly userId: UserId
  readonly passwordHash: string
  readonly newHash: string
}

/** What is found at the beginning of a guess. */
export interface Found {
  readonly account: Option.Option<StoredCredential>
  /** For how long guesses at the account or identifier, or from this client, are refused. Milliseconds; 0: they are not. */
  readonly lockedForMillis: number
}

/** A row without an account is there for its lock. */
type Row = { readonly lockedForMillis: number } & (StoredCredential | { readonly userId: null })

export class CredentialStore extends Context.Service<
  CredentialStore,
  {
    /** By e-mail address or username, in any case. One statement, whether there is an account or not. */
    readonly find: (identifier: string, client: ClientInfo) => Effect.Effect<Found, DatabaseFailed>
    readonly findUser: (id: UserId, client: ClientInfo) => Effect.Effect<Found, DatabaseFailed>
    /**
     * Notes a sign-in, forgets wrong guesses, and replaces the hash by `newHash`; none where password or account were
     * changed, or account or client locked, meanwhile.
     */
    readonly signedIn: (
      opened: OpenedCredential,
      client: ClientInfo,
    ) => Effect.Effect<Option.Option<User>, DatabaseFailed>
    /** Replaces the hash of the same password. */
    readonly rehash: (id: UserId, hash: string, newHash: string) => Effect.Effect<void, DatabaseFailed>
    /** Replaces the password and lifts a lock; the address of its owner. None: `hash` is not the password's any more. */
    readonly replacePassword: (
      id: UserId,
      hash: string | undefined,
      newHash: string,
    ) => Effect.Effect<Option.Option<string>, DatabaseFailed>
  }
>()("identity/CredentialStore") {
  static readonly layer = Layer.effect(
    CredentialStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const userFields = sql.literal(userColumns)
      const columns = sql.literal(
        "account.user_id, account.password_hash, account.is_active, account.email_verified, account.totp_enabled",
      )
      const fromUsers = sql.literal(
        "SELECT id AS user_id, password_hash, is_active, email_verified, totp_enabled, locked_until FROM users",
      )

      /** The longest of the locks in question. */
      const lockedFor = (...digests: ReadonlyArray<Uint8Array>) => sql`
        coalesce(greatest(extract(epoch FROM greatest(
          account.locked_until,
          (SELECT max(locked_until) FROM guesses WHERE ${sql.or(digests.map((digest) => sql`digest = ${digest}::bytea`))})
        ) - clock_timestamp()), 0) * 1000, 0)::float8 AS locked_for_millis`

      const byIdentifier = (identifier: string, client: ClientInfo) => sql<Row>`
        SELECT ${columns}, ${lockedFor(digestOf({ _tag: "Identifier", identifier }), clientDigest(client))}
        FROM (SELECT 1) AS guess LEFT JOIN LATERAL (
          ${fromUsers}
          WHERE (lower(email) = lower(${identifier}) OR lower(username) = lower(${identifier})) AND deleted_at IS NULL
        ) AS account ON true`

      const byId = (id: UserId, client: ClientInfo) => sql<Row>`
        SELECT ${columns}, ${lockedFor(clientDigest(client))}
        FROM (${fromUsers} WHERE id = ${id}::uuid AND deleted_at IS NULL) AS account`

      const replacePassword = (id: UserId, hash: string | undefined, newHash: string) => sql<{
        readonly email: string
      }>`
        UPDATE users SET password_hash = ${newHash}, password_changed_at = now(), failed_login_attempts = 0,
          locked_until = NULL
        WHERE id = ${id}::uuid AND deleted_at IS NULL AND (${hash ?? null}::text IS NULL OR password_hash = ${hash ?? null})
        RETURNING email`

      const signedIn = SqlSchema.findOneOption({
        Request: Schema.Any,
        Result: User,
        execute: ({ opened, client }: { readonly opened: OpenedCredential; readonly client: ClientInfo }) => sql`
          UPDATE users SET last_login_at = now(), failed_login_attempts = 0, locked_until = NULL,
            password_hash = ${opened.newHash}
          WHERE id = ${opened.userId}::uuid AND password_hash = ${opened.passwordHash}
            AND is_active AND deleted_at IS NULL
            AND (locked_until IS NULL OR locked_until <= clock_timestamp())
            AND NOT EXISTS (
              SELECT 1 FROM guesses WHERE digest = ${clientDigest(client)}::bytea AND locked_until > clock_timestamp()
            )
          RETURNING ${userFields}`,
      })

      return CredentialStore.of({
        find: (identifier, client) => orDatabaseFailed(Effect.map(byIdentifier(identifier, client), toFound)),
        findUser: (id, client) => orDatabaseFailed(Effect.map(byId(id, client), toFound)),
        signedIn: (opened, client) => orDatabaseFailed(signedIn({ opened, client })),
        rehash: (id, hash, newHash) =>
          orDatabaseFailed(
            Effect.asVoid(
              sql`UPDATE users SET password_hash = ${newHash} WHERE id = ${id}::uuid AND password_hash = ${hash}`,
            ),
          ),
        replacePassword: (id, hash, newHash) =>
          orDatabaseFailed(
            Effect.map(replacePassword(id, hash, newHash), ([row]) =>
              Option.map(Option.fromUndefinedOr(row), ({ email }) => email),
            ),
          ),
      })
    }),
  )
}

/** Where nothing is known of the client, the digest of nothing: no row has it. */
const clientDigest = ({ ipAddress }: ClientInfo): Uint8Array =>
  ipAddress === "" ? new Uint8Array() : digestOf({ _tag: "Address", address: ipAddress })

const toFound = ([row]: ReadonlyArray<Row>): Found =>
  row === undefined
    ? { account: Option.none(), lockedForMillis: 0 }
    : { account: row.userId === null ? Option.none() : Option.some(row), lockedForMillis: row.lockedForMillis }
