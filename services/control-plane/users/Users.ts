/** Accounts of dashboard users: making one, and finding out who somebody is. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { type Overloaded, Passwords } from "#shared/crypto/Password.ts"
import { newId } from "#shared/ids/Id.ts"
import { type EmailTaken, emailOf, InvalidCredentials, type User, UserId, UserNotFound } from "./User.ts"
import { UserStore } from "./UserStore.ts"

export interface SignUp {
  readonly email: string
  readonly password: Redacted.Redacted<string>
  /** Empty: none given. */
  readonly name: string
}

export class Users extends Context.Service<
  Users,
  {
    readonly signUp: (draft: SignUp) => Effect.Effect<User, EmailTaken | Overloaded>
    /**
     * The user whose address and password these are. An unknown address and a wrong password fail alike and after the
     * same work (OWASP Authentication Cheat Sheet, "Authentication and Error Messages").
     */
    readonly authenticate: (
      email: string,
      password: Redacted.Redacted<string>,
    ) => Effect.Effect<User, InvalidCredentials | Overloaded>
    readonly get: (id: UserId) => Effect.Effect<User, UserNotFound>
  }
>()("control-plane/Users") {
  static readonly layer = Layer.effect(
    Users,
    Effect.gen(function* () {
      const store = yield* UserStore
      const passwords = yield* Passwords

      const get = Effect.fn("Users.get")((id: UserId) =>
        Effect.flatMap(
          store.find(id),
          Option.match({ onNone: () => Effect.fail(new UserNotFound({ id })), onSome: Effect.succeed }),
        ),
      )

      const signUp = Effect.fn("Users.signUp")(function* ({ email, password, name }: SignUp) {
        const passwordHash = yield* passwords.hash(password)
        const id = UserId.make(yield* newId("usr"))
        return yield* store.insert({ id, email: emailOf(email), name, passwordHash })
      })

      const authenticate = Effect.fn("Users.authenticate")(function* (
        email: string,
        password: Redacted.Redacted<string>,
      ) {
        const found = yield* store.findCredential(emailOf(email))
        if (Option.isNone(found)) {
          yield* passwords.verifyNothing(password)
          return yield* new InvalidCredentials()
        }
        const { userId, passwordHash } = found.value
        if (!(yield* passwords.verify(passwordHash, password))) return yield* new InvalidCredentials()
        if (passwords.needsRehash(passwordHash)) {
          yield* store.rehash(userId, passwordHash, yield* passwords.hash(password))
        }
        return yield* Effect.catchTag(get(userId), "UserNotFound", () => new InvalidCredentials())
      })

      return Users.of({ signUp, authenticate, get })
    }),
  )
}
