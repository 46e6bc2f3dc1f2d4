/** Showing that mail to an address reaches the person who has the account. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { sha256 } from "#shared/crypto/digest.ts"
import { opaqueToken } from "#shared/crypto/Token.ts"
import { sweeping } from "#shared/runtime/sweeping.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import { Mails, nobody, type Recipient } from "../mail/Mails.ts"
import { type User, type UserId, UserNotFound } from "../users/User.ts"
import { type CopiesUnreachable, UserCopies } from "../users/UserCopies.ts"
import { UserStore } from "../users/UserStore.ts"
import { AddressStore } from "./AddressStore.ts"
import { EmailVerificationStore } from "./EmailVerificationStore.ts"
import { MailedTokenInvalid, verificationLifetime } from "./MailedToken.ts"

export interface VerifiedEmail {
  readonly user: User
  /** False: it was verified before. */
  readonly changed: boolean
}

export class EmailVerifications extends Context.Service<
  EmailVerifications,
  {
    /** Mails a link, as part of the transaction that it runs in; the links before it stop working. */
    readonly begin: (to: Recipient) => Effect.Effect<void, DatabaseFailed>
    /** Mails a link unless the address is verified already, which is the answer. */
    readonly request: (id: UserId) => Effect.Effect<boolean, UserNotFound | DatabaseFailed>
    /**
     * Mails a link if an account has the address and it is not verified. Does the same in every case, so that neither answer
     * nor time tell which it was.
     */
    readonly requestFor: (email: string) => Effect.Effect<void, DatabaseFailed>
    readonly verify: (
      token: Redacted.Redacted<string>,
    ) => Effect.Effect<VerifiedEmail, MailedTokenInvalid | CopiesUnreachable | DatabaseFailed>
  }
>()("identity/EmailVerifications") {
  static readonly layer = Layer.effect(
    EmailVerifications,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* EmailVerificationStore
      const addresses = yield* AddressStore
      const users = yield* UserStore
      const copies = yield* UserCopies
      const mails = yield* Mails
      const events = yield* IdentityEvents

      yield* sweeping(store.sweep)

      const begin = Effect.fnUntraced(function* (to: Recipient) {
        const token = yield* opaqueToken
        yield* store.insert({
          digest: sha256(Redacted.value(token)),
          userId: to.userId,
          email: Redacted.value(to.address),
          lifetime: verificationLifetime,
        })
        yield* mails.append(to, { kind: "emailVerification", token }, verificationLifetime)
      })

      /** Nobody gets more of them than is good. */
      const beginIfAllowed = Effect.fnUntraced(function* (to: Recipient) {
        yield* begin((yield* mails.mayWrite(to, "emailVerification")) ? to : nobody)
      })

      const request = Effect.fn("EmailVerifications.request")(function* (id: UserId) {
        const found = yield* users.find(id)
        if (Option.isNone(found)) return yield* new UserNotFound()
        const { emailVerified, email } = found.value
        if (!emailVerified) yield* beginIfAllowed({ userId: id, address: Redacted.make(email ?? "") })
        return emailVerified
      }, atomically)

      const requestFor = Effect.fn("EmailVerifications.requestFor")(function* (email: string) {
        const owner = Option.filter(yield* addresses.owner(email), (each) => !each.deleted && !each.emailVerified)
        yield* beginIfAllowed(
          Option.match(owner, {
            onNone: () => nobody,
            onSome: ({ userId, email: address }) => ({ userId, address: Redacted.make(address) }),
          }),
        )
      }, atomically)

      const verify = Effect.fn("EmailVerifications.verify")(function* (token: Redacted.Redacted<string>) {
        const digest = sha256(Redacted.value(token))
        const found = yield* store.find(digest)
        if (Option.isNone(found)) return yield* new MailedTokenInvalid()
        const { userId, email, used } = found.value
        const before = yield* users.findForUpdate(userId)
        if (Option.isNone(before) || before.value.email?.toLowerCase() !== email.toLowerCase()) {
          return yield* new MailedTokenInvalid()
        }
        if (before.value.emailVerified) return { user: before.value, changed: false }
        // What was verified by this token and is not so any more must be verified by another one.
        if (used) return yield* new MailedTokenInvalid()
        yield* copies.forget(userId)
        yield* store.use(digest)
        yield* addresses.verify(userId, email)
        yield* events.append(userId, {
          case: "profileUpdated",
          value: { userId, changedFields: ["email_verified"] },
        })
        const after = yield* users.find(userId)
        return { user: Option.getOrElse(after, () => before.value), changed: true }
      }, atomically)

      return EmailVerifications.of({ begin, request, requestFor, verify })
    }),
  )
}
