/** Checking and replacing passwords, by who knows the one so far and by who has read a mail. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { sha256 } from "#shared/crypto/digest.ts"
import { type Overloaded, Passwords } from "#shared/crypto/Password.ts"
import { opaqueToken } from "#shared/crypto/Token.ts"
import { sweeping } from "#shared/runtime/sweeping.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import { Mails, nobody, type Recipient } from "../mail/Mails.ts"
import type { ClientInfo, SessionId } from "../sessions/Session.ts"
import { Sessions } from "../sessions/Sessions.ts"
import type { UserId, UserNotFound } from "../users/User.ts"
import { AddressStore } from "./AddressStore.ts"
import { InvalidCredentials } from "./Credential.ts"
import { CredentialStore } from "./CredentialStore.ts"
import type { AccountLocked } from "./Lockout.ts"
import { Lockouts } from "./Lockouts.ts"
import { MailedTokenInvalid, resetLifetime } from "./MailedToken.ts"
import { PasswordCheck } from "./PasswordCheck.ts"
import { PasswordResetStore } from "./PasswordResetStore.ts"

export interface PasswordChangeForm {
  readonly userId: UserId
  readonly currentPassword: Redacted.Redacted<string>
  readonly newPassword: Redacted.Redacted<string>
  /** The session that goes on; undefined: none. */
  readonly keep: SessionId | undefined
  readonly client: ClientInfo
}

type Guess = InvalidCredentials | AccountLocked | UserNotFound | Overloaded | DatabaseFailed

export class PasswordChanges extends Context.Service<
  PasswordChanges,
  {
    /** Whether the password opens the account. A wrong one counts. */
    readonly check: (
      userId: UserId,
      password: Redacted.Redacted<string>,
      client: ClientInfo,
    ) => Effect.Effect<boolean, AccountLocked | UserNotFound | Overloaded | DatabaseFailed>
    /** Judges the password so far, and makes ready what replaces it and says how many sessions that ended. */
    readonly prepareChange: (
      form: PasswordChangeForm,
    ) => Effect.Effect<Effect.Effect<number, InvalidCredentials | AccountLocked | DatabaseFailed>, Guess>
    /**
     * Mails a link if the address has an account, whose id is the answer. Does the same in every case, so that neither
     * answer nor time tell whether it has: tell nobody.
     */
    readonly requestReset: (email: string) => Effect.Effect<Option.Option<UserId>, DatabaseFailed>
    /** Makes ready what replaces the password of whoever the token was mailed to, and says who that is. */
    readonly prepareReset: (
      token: Redacted.Redacted<string>,
      newPassword: Redacted.Redacted<string>,
    ) => Effect.Effect<
      Effect.Effect<UserId, MailedTokenInvalid | DatabaseFailed>,
      MailedTokenInvalid | Overloaded | DatabaseFailed
    >
  }
>()("identity/PasswordChanges") {
  static readonly layer = Layer.effect(
    PasswordChanges,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const credentials = yield* CredentialStore
      const resets = yield* PasswordResetStore
      const addresses = yield* AddressStore
      const checks = yield* PasswordCheck
      const passwords = yield* Passwords
      const lockouts = yield* Lockouts
      const sessions = yield* Sessions
      const mails = yield* Mails
      const events = yield* IdentityEvents

      yield* sweeping(resets.sweep)

      const check = Effect.fnUntraced(
        function* (id: UserId, password: Redacted.Redacted<string>, client: ClientInfo) {
          const { passwordHash, newHash, totpEnabled } = yield* checks.ofUser(id, password, client)
          // With TOTP on a password is half of what it takes: it must not clear the way for guessing codes.
          yield* totpEnabled
            ? lockouts.refuseLocked({ _tag: "Account", userId: id }, client)
            : lockouts.forget(id, client)
          if (newHash !== passwordHash) yield* credentials.rehash(id, passwordHash, newHash)
          return true
        },
        Effect.catchTag("InvalidCredentials", () => Effect.succeed(false)),
      )

      /** What follows from a new password, whoever chose it. */
      const replaced = Effect.fnUntraced(function* (userId: UserId, email: string, byReset: boolean, keep?: SessionId) {
        const ended = yield* sessions.endAll(userId, "passwordChanged", keep)
        yield* resets.useAll(userId)
        yield* events.append(userId, { case: "passwordChanged", value: { userId, byReset } })
        yield* mails.append({ userId, address: Redacted.make(email) }, { kind: "passwordChanged" })
        return ended
      })

      const prepareChange = Effect.fn("PasswordChanges.prepareChange")(function* (form: PasswordChangeForm) {
        const { userId, client } = form
        const { passwordHash } = yield* checks.ofUser(userId, form.currentPassword, client)
        const newHash = yield* passwords.hash(form.newPassword)
        return Effect.gen(function* () {
          yield* lockouts.refuseLocked({ _tag: "Account", userId }, client)
          const email = yield* credentials.replacePassword(userId, passwordHash, newHash)
          if (Option.isNone(email)) return yield* new InvalidCredentials()
          return yield* replaced(userId, email.value, false, form.keep)
        }).pipe(atomically)
      })

      const requestReset = Effect.fn("PasswordChanges.requestReset")(function* (email: string) {
        const owner = Option.filter(yield* addresses.owner(email), ({ deleted }) => !deleted)
        const asked: Recipient = Option.match(owner, {
          onNone: () => nobody,
          onSome: ({ userId, email: address }) => ({ userId, address: Redacted.make(address) }),
        })
        const to = (yield* mails.mayWrite(asked, "passwordReset")) ? asked : nobody
        const token = yield* opaqueToken
        yield* resets.insert({ digest: sha256(Redacted.value(token)), userId: to.userId, lifetime: resetLifetime })
        yield* mails.append(to, { kind: "passwordReset", token }, resetLifetime)
        return Option.map(owner, ({ userId }) => userId)
      }, atomically)

      const prepareReset = Effect.fn("PasswordChanges.prepareReset")(function* (
        token: Redacted.Redacted<string>,
        newPassword: Redacted.Redacted<string>,
      ) {
        const digest = sha256(Redacted.value(token))
        // Nonsense is not worth a hash.
        if (!(yield* resets.works(digest))) return yield* new MailedTokenInvalid()
        const newHash = yield* passwords.hash(newPassword)
        return Effect.gen(function* () {
          const owner = yield* resets.use(digest)
          if (Option.isNone(owner)) return yield* new MailedTokenInvalid()
          const email = yield* credentials.replacePassword(owner.value, undefined, newHash)
          if (Option.isNone(email)) return yield* new MailedTokenInvalid()
          yield* replaced(owner.value, email.value, true)
          return owner.value
        }).pipe(atomically)
      })

      return PasswordChanges.of({ check, prepareChange, requestReset, prepareReset })
    }),
  )
}
