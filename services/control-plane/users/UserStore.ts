/** Rows of `users`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { first, run } from "../rows.ts"
import { type Email, EmailTaken, User, UserId } from "./User.ts"

/** What a log-in is checked against: the account, and the PHC string of its password. */
export const Credential = Schema.Struct({ userId: UserId, passwordHash: Schema.String })
export type Credential = typeof Credential.Type

export interface NewUser {
  readonly id: UserId
  readonly email: Email
  readonly name: string
  readonly passwordHash: string
}

export class UserStore extends Context.Service<
  UserStore,
  {
    readonly insert: (user: NewUser) => Effect.Effect<User, EmailTaken>
    readonly find: (id: UserId) => Effect.Effect<Option.Option<User>>
    readonly findCredential: (email: Email) => Effect.Effect<Option.Option<Credential>>
    /** Replaces the hash, unless the password was changed meanwhile. */
    readonly rehash: (id: UserId, before: string, after: string) => Effect.Effect<void>
  }
>()("control-plane/UserStore") {
  static readonly layer = Layer.effect(
    UserStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const columns = sql.literal("id, email, name, created_at")
      const user = first(User)
      const credential = first(Credential)

      return UserStore.of({
        insert: ({ id, email, name, passwordHash }) =>
          user(sql`
            INSERT INTO users (id, email, name, password_hash) VALUES (${id}, ${email}, ${name}, ${passwordHash})
            ON CONFLICT (lower(email)) DO NOTHING
            RETURNING ${columns}`).pipe(
            Effect.flatMap(Effect.fromOption),
            Effect.mapError(() => new EmailTaken()),
          ),
        find: (id) => user(sql`SELECT ${columns} FROM users WHERE id = ${id}`),
        findCredential: (email) =>
          credential(sql`SELECT id AS user_id, password_hash FROM users WHERE lower(email) = ${email}`),
        rehash: (id, before, after) =>
          run(sql`
            UPDATE users SET password_hash = ${after}, updated_at = now()
            WHERE id = ${id} AND password_hash = ${before}`),
      })
    }),
  )
}
