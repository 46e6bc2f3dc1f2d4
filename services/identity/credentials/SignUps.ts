/** Making accounts, and what who has none is told of those that exist. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Overloaded, Passwords } from "#shared/crypto/Password.ts"
import { newUuid, uuidToId } from "#shared/ids/Id.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import { Mails, nobody, type Recipient } from "../mail/Mails.ts"
import type { PreparedSession } from "../sessions/Sessions.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { type EmailTaken, User, UserId, type UsernameTaken } from "../users/User.ts"
import { type NewUser, UserStore } from "../users/UserStore.ts"
import { AddressStore } from "./AddressStore.ts"
import type { SignedUp, SignUpForm, VerificationPolicy } from "./Credential.ts"
import { EmailVerifications } from "./EmailVerifications.ts"

/** What a stranger is told of a sign-up. */
export interface Seeming extends SignedUp {
  /** False: the address was taken, there is no such account, and the tokens open nothing. */
  readonly genuine: boolean
}

/** Hashing is over, and nothing has happened yet: it does in one transaction, or in the one that the caller runs in. */
type Ready<A, E> = Effect.Effect<A, E | DatabaseFailed>

/** Undefined: none begins before the address is verified. */
type FirstSession = PreparedSession | undefined

/** All of it was only for show. */
class TakenBack extends Schema.TaggedError<TakenBack>()("TakenBack", {}) {}

/** Neither is to be used within a transaction. */
export class SignUps extends Context.Service<
  SignUps,
  {
    /**
     * Makes ready what adds an account and mails a link that verifies its address, and unless that must be done first adds
     * its first session.
     */
    readonly prepare: (
      form: SignUpForm,
    ) => Effect.Effect<Ready<SignedUp, EmailTaken | UsernameTaken>, Overloaded | DatabaseFailed>
    /**
     * The same for who must not learn whether an address has an account: if it has one, the answer looks like any other,
     * as much is done, and the owner of the address is told by mail.
     */
    readonly prepareDiscreetly: (
      form: SignUpForm,
    ) => Effect.Effect<Ready<Seeming, UsernameTaken>, Overloaded | DatabaseFailed>
  }
>()("identity/SignUps") {
  static readonly layer = ({ requireVerifiedEmail }: VerificationPolicy) =>
    Layer.effect(
      SignUps,
      Effect.gen(function* () {
        const { atomically } = yield* TransactionStore
        const users = yield* UserStore
        const addresses = yield* AddressStore
        const sessions = yield* Sessions
        const passwords = yield* Passwords
        const verifications = yield* EmailVerifications
        const mails = yield* Mails
        const events = yield* IdentityEvents

        const adding = Effect.fnUntraced(function* (newUser: NewUser, session: FirstSession, to: Recipient) {
          const user = yield* users.insert(newUser)
          if (session !== undefined) yield* session.save
          yield* events.append(user.id, { case: "userRegistered", value: { userId: user.id } })
          yield* verifications.begin(to)
          return { user, tokens: session?.tokens }
        }, atomically)

        const made = Effect.fnUntraced(function* ({ username, email, password, displayName, client }: SignUpForm) {
          const passwordHash = yield* passwords.hash(password)
          const id = UserId.make(yield* newUuid)
          const name = username ?? uuidToId("usr", id)
          const newUser: NewUser = { id, username: name, email, displayName: displayName || null, passwordHash }
          return { newUser, session: requireVerifiedEmail ? undefined : yield* sessions.prepare(id, client) }
        })

        const add = (newUser: NewUser, session: FirstSession) =>
          adding(newUser, session, { userId: newUser.id, address: Redacted.make(newUser.email) })

        /** Does what `add` does, takes it back, and writes to the owner of the address instead. */
        const pretend = Effect.fnUntraced(function* (newUser: NewUser, session: FirstSession, owner: Recipient) {
          const { id } = newUser
          const strange = { ...newUser, username: uuidToId("usr", id), email: `${id}@invalid` }
          yield* adding(strange, session, nobody).pipe(
            Effect.andThen(Effect.fail(new TakenBack())),
            atomically,
            Effect.catchTag(["TakenBack", "EmailTaken", "UsernameTaken"], () => Effect.void),
          )
          const mayKnow = yield* mails.mayWrite(owner, "addressTaken")
          yield* mails.append(mayKnow ? owner : nobody, { kind: "addressTaken" })
          const user = yield* seemingUser(newUser)
          return { user, tokens: session?.tokens, genuine: false }
        }, atomically)

        /** Who has the address; nobody to write to where the account is deleted. */
        const ownerOf = Effect.fnUntraced(function* (address: string) {
          return Option.map(
            yield* addresses.owner(address),
            ({ userId, email, deleted }): Recipient => (deleted ? nobody : { userId, address: Redacted.make(email) }),
          )
        })

        return SignUps.of({
          prepare: Effect.fn("SignUps.prepare")(function* (form) {
            const { newUser, session } = yield* made(form)
            return add(newUser, session)
          }),
          prepareDiscreetly: Effect.fn("SignUps.prepareDiscreetly")(function* (form) {
            const { newUser, session } = yield* made(form)
            const owner = yield* ownerOf(form.email)
            return Option.isSome(owner)
              ? pretend(newUser, session, owner.value)
              : add(newUser, session).pipe(
                  Effect.map((signedIn) => ({ ...signedIn, genuine: true })),
                  // Somebody was faster by a moment.
                  Effect.catchTag("EmailTaken", () =>
                    Effect.flatMap(ownerOf(form.email), (faster) =>
                      pretend(
                        newUser,
                        session,
                        Option.getOrElse(faster, () => nobody),
                      ),
                    ),
                  ),
                )
          }),
        })
      }),
    )
}

/** The user as they would be shown, had the sign-up made them. */
const seemingUser = ({ id, username, email, displayName }: NewUser): Effect.Effect<User> =>
  Effect.map(DateTime.now, (now) =>
    User.make({
      ...{ id, username, email, displayName, emailVerified: false, phoneVerified: false, totpEnabled: false },
      ...{ avatarUrl: null, firstName: null, lastName: null, bio: null, location: null, phoneNumber: null },
      ...{ isActive: true, failedLoginAttempts: 0, lockedUntil: null, lastLoginAt: null, passwordChangedAt: null },
      ...{ createdAt: now, updatedAt: now },
    }),
  )
