/** Judging passwords: slowly, a bounded number at a time, and never one too many. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { type Overloaded, Passwords } from "#shared/crypto/Password.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import type { ClientInfo } from "../sessions/Session.ts"
import { type UserId, UserNotFound } from "../users/User.ts"
import { InvalidCredentials } from "./Credential.ts"
import { CredentialStore, type Found, type OpenedCredential, type StoredCredential } from "./CredentialStore.ts"
import { AccountLocked } from "./Lockout.ts"
import { Lockouts, type Target } from "./Lockouts.ts"

/** An account whose password was right. */
export interface Opened extends OpenedCredential {
  readonly emailVerified: boolean
  readonly totpEnabled: boolean
}

type Refused = InvalidCredentials | AccountLocked | Overloaded | DatabaseFailed

/**
 * None of these is to be used within a transaction: they take long, and what they count must outlast a refusal. A lock
 * that begins while a right password is judged is seen by who spends it: `CredentialStore.signedIn`, `Lockouts.forget`.
 */
export class PasswordCheck extends Context.Service<
  PasswordCheck,
  {
    /** By e-mail address or username. An unknown one takes as long as a wrong password, and is locked as an account is. */
    readonly byIdentifier: (
      identifier: string,
      password: Redacted.Redacted<string>,
      client: ClientInfo,
    ) => Effect.Effect<Opened, Refused>
    readonly ofUser: (
      userId: UserId,
      password: Redacted.Redacted<string>,
      client: ClientInfo,
    ) => Effect.Effect<Opened, Refused | UserNotFound>
  }
>()("identity/PasswordCheck") {
  static readonly layer = Layer.effect(
    PasswordCheck,
    Effect.gen(function* () {
      const store = yield* CredentialStore
      const passwords = yield* Passwords
      const lockouts = yield* Lockouts

      const isRight = ({ passwordHash, isActive }: StoredCredential, password: Redacted.Redacted<string>) =>
        passwordHash === null
          ? Effect.as(passwords.verifyNothing(password), false)
          : // The password of a suspended account opens nothing, and nobody is told that it is the right one.
            Effect.map(passwords.verify(passwordHash, password), (matches) => matches && isActive)

      const judge = Effect.fnUntraced(function* (
        { account, lockedForMillis }: Found,
        target: Target,
        password: Redacted.Redacted<string>,
        client: ClientInfo,
      ) {
        if (lockedForMillis > 0) return yield* new AccountLocked({ retryAfterMillis: Math.ceil(lockedForMillis) })
        const right = Option.isSome(account)
          ? yield* isRight(account.value, password)
          : yield* Effect.as(passwords.verifyNothing(password), false)
        if (!right || Option.isNone(account) || account.value.passwordHash === null) {
          yield* lockouts.countFailure(target, client)
          return yield* new InvalidCredentials()
        }
        const { userId, passwordHash, emailVerified, totpEnabled } = account.value
        const newHash = passwords.needsRehash(passwordHash) ? yield* passwords.hash(password) : passwordHash
        return { userId, passwordHash, newHash, emailVerified, totpEnabled }
      })

      return PasswordCheck.of({
        byIdentifier: Effect.fn("PasswordCheck.byIdentifier")(function* (identifier, password, client) {
          const found = yield* store.find(identifier, client)
          const target: Target = Option.match(found.account, {
            onNone: () => ({ _tag: "Identifier", identifier }),
            onSome: ({ userId }) => ({ _tag: "Account", userId }),
          })
          return yield* judge(found, target, password, client)
        }),
        ofUser: Effect.fn("PasswordCheck.ofUser")(function* (userId, password, client) {
          const found = yield* store.findUser(userId, client)
          if (Option.isNone(found.account)) return yield* new UserNotFound()
          return yield* judge(found, { _tag: "Account", userId }, password, client)
        }),
      })
    }),
  )
}
