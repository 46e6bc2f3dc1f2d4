/** Signing up and in by password. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { LoginMethod } from "#gen/authsome/identity/v1/events_pb.ts"
import { type Overloaded, Passwords } from "#shared/crypto/Password.ts"
import { newUuid, uuidToId } from "#shared/ids/Id.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { type EmailTaken, UserId, type UsernameTaken } from "../users/User.ts"
import { UserStore } from "../users/UserStore.ts"
import {
  InvalidCredentials,
  SecondFactorNeeded,
  type SignedIn,
  type SignInForm,
  type SignUpForm,
} from "./Credential.ts"
import { CredentialStore } from "./CredentialStore.ts"

/** Hashing is over, and nothing has happened yet: it does in one transaction, or in the one that the caller runs in. */
type Ready<E> = Effect.Effect<SignedIn, E | DatabaseFailed>

export class Credentials extends Context.Service<
  Credentials,
  {
    /** Makes ready what adds an account and its first session. Not to be used within a transaction. */
    readonly prepareSignUp: (
      form: SignUpForm,
    ) => Effect.Effect<Ready<EmailTaken | UsernameTaken>, Overloaded | DatabaseFailed>
    /**
     * Judges a password and makes ready what starts a session. An unknown account takes as long as a wrong password. Not
     * to be used within a transaction.
     */
    readonly prepareSignIn: (
      form: SignInForm,
    ) => Effect.Effect<Ready<InvalidCredentials>, InvalidCredentials | SecondFactorNeeded | Overloaded | DatabaseFailed>
  }
>()("identity/Credentials") {
  static readonly layer = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* CredentialStore
      const users = yield* UserStore
      const sessions = yield* Sessions
      const passwords = yield* Passwords
      const events = yield* IdentityEvents

      const prepareSignIn = Effect.fn("Credentials.prepareSignIn")(function* ({
        identifier,
        password,
        client,
      }: SignInForm) {
        const stored = yield* store.find(identifier)
        if (Option.isNone(stored) || stored.value.passwordHash === null) {
          yield* passwords.verifyNothing(password)
          return yield* new InvalidCredentials()
        }
        const { userId, passwordHash, isActive, totpEnabled } = stored.value
        const right = yield* passwords.verify(passwordHash, password)
        if (!right || !isActive) return yield* new InvalidCredentials()
        if (totpEnabled) return yield* new SecondFactorNeeded()
        const newHash = passwords.needsRehash(passwordHash) ? yield* passwords.hash(password) : passwordHash
        const session = yield* sessions.prepare(userId, client)
        const { sessionId } = session.tokens
        return Effect.gen(function* () {
          const unchanged = yield* store.signedIn(userId, passwordHash, newHash)
          const user = yield* users.find(userId)
          if (!unchanged || Option.isNone(user)) return yield* new InvalidCredentials()
          yield* session.save
          const value = { userId, sessionId, method: LoginMethod.PASSWORD }
          yield* events.append(userId, { case: "userLoggedIn", value })
          return { user: user.value, tokens: session.tokens }
        }).pipe(atomically)
      })

      const prepareSignUp = Effect.fn("Credentials.prepareSignUp")(function* (form: SignUpForm) {
        const { email, displayName } = form
        const passwordHash = yield* passwords.hash(form.password)
        const id = UserId.make(yield* newUuid)
        const username = form.username ?? uuidToId("usr", id)
        const session = yield* sessions.prepare(id, form.client)
        return Effect.gen(function* () {
          const user = yield* users.insert({ id, username, email, displayName: displayName || null, passwordHash })
          yield* session.save
          yield* events.append(id, { case: "userRegistered", value: { userId: id } })
          return { user, tokens: session.tokens }
        }).pipe(atomically)
      })

      return Credentials.of({ prepareSignUp, prepareSignIn })
    }),
  )
}
