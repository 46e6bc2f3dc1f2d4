/** Signing up and in by password. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { LoginMethod } from "#gen/authsome/identity/v1/events_pb.ts"
import { constantTimeEqual, sha256 } from "#shared/crypto/digest.ts"
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
  RequestIdReused,
  SecondFactorNeeded,
  type SignedIn,
  type SignInForm,
  type SignUpForm,
} from "./Credential.ts"
import { CredentialStore } from "./CredentialStore.ts"

const sweepInterval = Duration.hours(1)

export class Credentials extends Context.Service<
  Credentials,
  {
    /**
     * Makes an account and its first session. A repeat of a request answers with the same account and another session:
     * the tokens of the first one are not kept.
     */
    readonly signUp: (
      form: SignUpForm,
    ) => Effect.Effect<
      SignedIn,
      EmailTaken | UsernameTaken | RequestIdReused | SecondFactorNeeded | Overloaded | DatabaseFailed
    >
    /** Starts a session. An unknown account takes as long as a wrong password. */
    readonly signIn: (
      form: SignInForm,
    ) => Effect.Effect<SignedIn, InvalidCredentials | SecondFactorNeeded | Overloaded | DatabaseFailed>
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

      yield* store.sweep.pipe(
        Effect.ignore,
        Effect.repeat(Schedule.spaced(sweepInterval)),
        Effect.delay("1 minute"), // a process that starts has better things to do
        Effect.forkScoped,
      )

      const signIn = Effect.fn("Credentials.signIn")(function* ({ identifier, password, client }: SignInForm) {
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
        return yield* atomically(
          Effect.gen(function* () {
            const unchanged = yield* store.signedIn(userId, passwordHash, newHash)
            const user = yield* users.find(userId)
            if (!unchanged || Option.isNone(user)) return yield* new InvalidCredentials()
            yield* session.save
            const value = { userId, sessionId, method: LoginMethod.PASSWORD }
            yield* events.append(userId, { case: "userLoggedIn", value })
            return { user: user.value, tokens: session.tokens }
          }),
        )
      })

      /** The first request made this account, if its e-mail address and password are the same. */
      const repeated = (form: SignUpForm, first: Uint8Array) =>
        constantTimeEqual(first, digestOf(form))
          ? signIn({ identifier: form.email, password: form.password, client: form.client }).pipe(
              Effect.catchTag("InvalidCredentials", () => Effect.fail(new RequestIdReused())),
            )
          : Effect.fail(new RequestIdReused())

      const signUp = Effect.fn("Credentials.signUp")(function* (form: SignUpForm) {
        const { email, displayName, request } = form
        const passwordHash = yield* passwords.hash(form.password)
        const id = UserId.make(yield* newUuid)
        const username = form.username ?? uuidToId("usr", id)
        const session = yield* sessions.prepare(id, form.client)
        const made = yield* atomically(
          Effect.gen(function* () {
            const first =
              request === undefined
                ? Option.none()
                : yield* store.claim({ ...request, digest: digestOf(form), userId: id })
            if (Option.isSome(first)) return first.value
            const user = yield* users.insert({ id, username, email, displayName: displayName || null, passwordHash })
            yield* session.save
            yield* events.append(id, { case: "userRegistered", value: { userId: id } })
            return user
          }),
        )
        return made instanceof Uint8Array ? yield* repeated(form, made) : { user: made, tokens: session.tokens }
      })

      return Credentials.of({ signUp, signIn })
    }),
  )
}

/** What was asked for. The password is left out: a fast digest of it would be a gift to whoever steals the table. */
const digestOf = ({ username, email, displayName }: SignUpForm) =>
  sha256(JSON.stringify([username ?? "", email.toLowerCase(), displayName]))
