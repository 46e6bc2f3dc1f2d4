/** Rows of `users`, without their secrets. Deleted accounts are not there, unless it says so. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as SqlSchema from "effect/sql/SqlSchema"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { Page } from "./Page.ts"
import type { Profile } from "./Profile.ts"
import { EmailTaken, KeptUser, User, UserId, UsernameTaken } from "./User.ts"

export interface NewUser {
  readonly id: UserId
  readonly username: string
  readonly email: string
  readonly displayName: string | null
  readonly passwordHash: string
}

export interface UserFilter {
  /** Part of an address or display name, in any case; empty: everybody. */
  readonly search: string
  /** Part of a username will do too. Where people did not choose theirs, it says nothing of them. */
  readonly usernames: boolean
  /** Only accounts in use, or only suspended ones; undefined: both. */
  readonly active: boolean | undefined
}

/** A username that was asked for, as it was, and whose it is. */
export interface ResolvedUsername {
  readonly username: string
  readonly userId: UserId
}

export class UserStore extends Context.Service<
  UserStore,
  {
    readonly insert: (user: NewUser) => Effect.Effect<User, EmailTaken | UsernameTaken | DatabaseFailed>
    /** By the primary key: one indexed read. */
    readonly find: (id: UserId) => Effect.Effect<Option.Option<User>, DatabaseFailed>
    /** As `find`, and keeps others from changing the row until the transaction ends. */
    readonly findForUpdate: (id: UserId) => Effect.Effect<Option.Option<User>, DatabaseFailed>
    /** The account whatever became of it; until the transaction ends nobody else changes it, or begins a session of it. */
    readonly keptForUpdate: (id: UserId) => Effect.Effect<Option.Option<KeptUser>, DatabaseFailed>
    /** Those that are there, in the order asked for. */
    readonly findAll: (ids: ReadonlyArray<UserId>) => Effect.Effect<ReadonlyArray<User>, DatabaseFailed>
    /** Those that somebody has, in any case, in the order asked for. */
    readonly resolve: (
      usernames: ReadonlyArray<string>,
    ) => Effect.Effect<ReadonlyArray<ResolvedUsername>, DatabaseFailed>
    /** The newest first. */
    readonly list: (filter: UserFilter, page: Page) => Effect.Effect<ReadonlyArray<User>, DatabaseFailed>
    readonly count: (filter: UserFilter) => Effect.Effect<number, DatabaseFailed>
    readonly saveProfile: (id: UserId, profile: Profile) => Effect.Effect<User, UsernameTaken | DatabaseFailed>
    /** Deletes an account that is there; its row stays. */
    readonly remove: (id: UserId) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/UserStore") {
  static readonly layer = Layer.effect(
    UserStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const columns = sql.literal(userColumns)

      // A violation of the index would be written down by the database, with the address.
      const insert = SqlSchema.findOneOption({
        Request: Schema.Any,
        Result: User,
        execute: ({ id, username, email, displayName, passwordHash }: NewUser) => sql`
          INSERT INTO users (id, username, email, display_name, password_hash)
          VALUES (${id}::uuid, ${username}, ${email}, ${displayName}::text, ${passwordHash})
          ON CONFLICT (lower(email)) DO NOTHING
          RETURNING ${columns}`,
      })

      const find = SqlSchema.findOneOption({
        Request: UserId,
        Result: User,
        execute: (id) => sql`SELECT ${columns} FROM users WHERE id = ${id}::uuid AND deleted_at IS NULL`,
      })

      const findForUpdate = SqlSchema.findOneOption({
        Request: UserId,
        Result: User,
        execute: (id) => sql`SELECT ${columns} FROM users WHERE id = ${id}::uuid AND deleted_at IS NULL FOR UPDATE`,
      })

      const keptForUpdate = SqlSchema.findOneOption({
        Request: UserId,
        Result: KeptUser,
        execute: (id) => sql`SELECT ${columns}, deleted_at, erased_at FROM users WHERE id = ${id}::uuid FOR UPDATE`,
      })

      const findAll = SqlSchema.findAll({
        Request: Schema.Array(UserId),
        Result: User,
        execute: (ids) => sql`
          SELECT ${columns} FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS asked (id, position) JOIN users USING (id)
          WHERE deleted_at IS NULL ORDER BY position`,
      })

      const matches = ({ search, usernames, active }: UserFilter) => {
        const pattern = search === "" ? null : `%${search.replaceAll(/[\\%_]/g, "\\$&")}%`
        return sql`deleted_at IS NULL
          AND (${active ?? null}::boolean IS NULL OR is_active = ${active ?? null}::boolean)
          AND (${pattern}::text IS NULL OR email ILIKE ${pattern} OR display_name ILIKE ${pattern}
            OR (${usernames}::boolean AND username ILIKE ${pattern}))`
      }

      const list = SqlSchema.findAll({
        Request: Schema.Any,
        Result: User,
        execute: ({ filter, page: { page, pageSize } }: { readonly filter: UserFilter; readonly page: Page }) => sql`
          SELECT ${columns} FROM users WHERE ${matches(filter)}
          ORDER BY created_at DESC, id DESC
          LIMIT ${pageSize}::int OFFSET ${(page - 1) * pageSize}::int`,
      })

      const saveProfile = SqlSchema.findOne({
        Request: Schema.Any,
        Result: User,
        execute: ({ id, profile }: { readonly id: UserId; readonly profile: Profile }) => sql`
          UPDATE users SET ${sql.update({ ...profile })}, updated_at = now()
          WHERE id = ${id}::uuid AND deleted_at IS NULL
          RETURNING ${columns}`,
      })

      return UserStore.of({
        insert: (user) =>
          insert(user).pipe(Effect.catch(takenOrFailed), Effect.flatMap(Effect.fromOption(() => new EmailTaken()))),
        find: (id) => orDatabaseFailed(find(id)),
        findForUpdate: (id) => orDatabaseFailed(findForUpdate(id)),
        keptForUpdate: (id) => orDatabaseFailed(keptForUpdate(id)),
        findAll: (ids) => orDatabaseFailed(findAll(ids)),
        resolve: (usernames) =>
          orDatabaseFailed(sql<ResolvedUsername>`
            SELECT asked.username, users.id AS user_id
            FROM unnest(${usernames}::text[]) WITH ORDINALITY AS asked (username, position)
            JOIN users ON lower(users.username) = lower(asked.username)
            WHERE deleted_at IS NULL ORDER BY position`),
        list: (filter, page) => orDatabaseFailed(list({ filter, page })),
        count: (filter) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly count: number }>`SELECT count(*)::int AS count FROM users WHERE ${matches(filter)}`,
              ([row]) => row?.count ?? 0,
            ),
          ),
        saveProfile: (id, profile) =>
          saveProfile({ id, profile }).pipe(
            Effect.catchTag("NoSuchElementError", Effect.die),
            Effect.catch(takenOrFailed),
          ),
        remove: (id) =>
          orDatabaseFailed(
            Effect.asVoid(sql`UPDATE users SET deleted_at = now() WHERE id = ${id}::uuid AND deleted_at IS NULL`),
          ),
      })
    }),
  )
}

/** What `User` is made of. */
export const userColumns = `id, username, email, email_verified, display_name, avatar_url, first_name, last_name, bio, location,
  phone_number, phone_verified, totp_enabled, is_active, failed_login_attempts, locked_until, last_login_at,
  password_changed_at, created_at, updated_at`

/** Two accounts cannot share a username. */
const takenOrFailed = (error: SqlError | Schema.SchemaError): Effect.Effect<never, UsernameTaken | DatabaseFailed> => {
  if (error._tag === "SqlError" && error.reason._tag === "UniqueViolation") {
    if (error.reason.constraint === "users_username_is_taken_in_any_case") return Effect.fail(new UsernameTaken())
  }
  return orDatabaseFailed(Effect.fail(error))
}
