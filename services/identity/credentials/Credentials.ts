/** Signing in by password. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { LoginMethod } from "#gen/authsome/identity/v1/events_pb.ts"
import type { Overloaded } from "#shared/crypto/Password.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { Challenges } from "../totp/Challenges.ts"
import {
  EmailUnverified,
  InvalidCredentials,
  type SignIn,
  type SignInForm,
  type VerificationPolicy,
} from "./Credential.ts"
import { CredentialStore } from "./CredentialStore.ts"
import type { AccountLocked } from "./Lockout.ts"
import { Lockouts } from "./Lockouts.ts"
import { type Opened, PasswordCheck } from "./PasswordCheck.ts"

/** Hashing is over, and nothing has happened yet: it does in one transaction, or in the one that the caller runs in. */
type Ready = Effect.Effect<SignIn, InvalidCredentials | AccountLocked | DatabaseFailed>

export class Credentials extends Context.Service<
  Credentials,
  {
    /**
     * Judges a password and makes ready what starts a session, or with TOTP on a challenge. An unknown account takes as
     * long as a wrong password, and only who knows the right one is told that the address must be verified first. Not to be
     * used within a transaction.
     */
    readonly prepareSignIn: (
      form: SignInForm,
    ) => Effect.Effect<Ready, InvalidCredentials | EmailUnverified | AccountLocked | Overloaded | DatabaseFailed>
  }
>()("identity/Credentials") {
  static readonly layer = ({ requireVerifiedEmail }: VerificationPolicy) =>
    Layer.effect(
      Credentials,
      Effect.gen(function* () {
        const { together } = yield* TransactionStore
        const store = yield* CredentialStore
        const checks = yield* PasswordCheck
        const lockouts = yield* Lockouts
        const sessions = yield* Sessions
        const challenges = yield* Challenges
        const events = yield* IdentityEvents

        /** Forgets no wrong guesses: a password is half of what it takes, and must not clear the way for guessing codes. */
        const challenged = Effect.fnUntraced(function* (opened: Opened, { client, caller }: SignInForm) {
          const { userId, passwordHash, newHash } = opened
          yield* lockouts.refuseLocked({ _tag: "Account", userId }, client)
          if (newHash !== passwordHash) yield* store.rehash(userId, passwordHash, newHash)
          const challenge = yield* challenges.open({ userId, passwordHash: newHash, client, caller })
          return { _tag: "Challenged", challenge } as const
        }, together)

        const prepareSignIn = Effect.fn("Credentials.prepareSignIn")(function* (form: SignInForm) {
          const { client } = form
          const opened = yield* checks.byIdentifier(form.identifier, form.password, client)
          const { userId } = opened
          if (requireVerifiedEmail && !opened.emailVerified) return yield* new EmailUnverified()
          if (opened.totpEnabled) return challenged(opened, form)
          const session = yield* sessions.prepare(userId, client)
          const { sessionId } = session.tokens
          return Effect.gen(function* () {
            const user = yield* store.signedIn(opened, client)
            if (Option.isNone(user)) {
              yield* lockouts.refuseLocked({ _tag: "Account", userId }, client)
              return yield* new InvalidCredentials()
            }
            yield* session.save
            const value = { userId, sessionId, method: LoginMethod.PASSWORD }
            yield* events.append(userId, { case: "userLoggedIn", value })
            return { _tag: "SignedIn", signedIn: { user: user.value, tokens: session.tokens } } as const
          }).pipe(together)
        })

        return Credentials.of({ prepareSignIn })
      }),
    )
}
