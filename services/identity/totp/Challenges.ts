/** Signing in in two steps: a challenge for the right password, a session for the right code. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { LoginMethod } from "#gen/authsome/identity/v1/events_pb.ts"
import { sha256 } from "#shared/crypto/digest.ts"
import { opaqueToken } from "#shared/crypto/Token.ts"
import { sweeping } from "#shared/runtime/sweeping.ts"
import type { SignedIn } from "../credentials/Credential.ts"
import type { AccountLocked } from "../credentials/Lockout.ts"
import { Lockouts } from "../credentials/Lockouts.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import { Mails, recipientOf } from "../mail/Mails.ts"
import { Sessions } from "../sessions/Sessions.ts"
import type { UserId } from "../users/User.ts"
import { UserStore } from "../users/UserStore.ts"
import type { CodeRefused } from "./Authenticator.ts"
import { AuthenticatorStore } from "./AuthenticatorStore.ts"
import {
  type Asker,
  askerDigest,
  type Challenge,
  ChallengeOver,
  challengeLifetime,
  mostAnswers,
  passwordDigest,
} from "./Challenge.ts"
import { ChallengeStore } from "./ChallengeStore.ts"
import { Codes } from "./Codes.ts"

const sweepInterval = Duration.hours(1)

/** A right password of an account that takes codes. */
export interface RightPassword extends Asker {
  readonly userId: UserId
  readonly passwordHash: string
}

export interface Answer extends Asker {
  readonly token: Redacted.Redacted<string>
  readonly code: string
}

/** A session that was started by a code. */
export interface AnsweredChallenge extends SignedIn {
  /** How many recovery codes are left; undefined: it was none. */
  readonly recoveryCodesLeft: number | undefined
}

type Refused = ChallengeOver | CodeRefused | AccountLocked | DatabaseFailed

export class Challenges extends Context.Service<
  Challenges,
  {
    /** Adds a challenge to the transaction that it runs in. */
    readonly open: (right: RightPassword) => Effect.Effect<Challenge, DatabaseFailed>
    /** Judges an answer and makes ready what starts the session. Not to be used within a transaction. */
    readonly prepareAnswer: (answer: Answer) => Effect.Effect<Effect.Effect<AnsweredChallenge, Refused>, Refused>
  }
>()("identity/Challenges") {
  static readonly layer = Layer.effect(
    Challenges,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* ChallengeStore
      const authenticators = yield* AuthenticatorStore
      const users = yield* UserStore
      const codes = yield* Codes
      const lockouts = yield* Lockouts
      const sessions = yield* Sessions
      const mails = yield* Mails
      const events = yield* IdentityEvents

      yield* sweeping(store.sweep(sweepInterval), { every: sweepInterval })

      const open = Effect.fnUntraced(function* ({ userId, passwordHash, ...asker }: RightPassword) {
        const token = yield* opaqueToken
        const digests = { digest: sha256(Redacted.value(token)), askerDigest: askerDigest(asker) }
        const opened = { userId, ...digests, passwordDigest: passwordDigest(passwordHash), lifetime: challengeLifetime }
        return { token, expiresAt: yield* store.insert(opened) }
      })

      const prepareAnswer = Effect.fn("Challenges.prepareAnswer")(function* ({ token, code, ...asker }: Answer) {
        const { client } = asker
        const shown = { digest: sha256(Redacted.value(token)), askerDigest: askerDigest(asker) }
        const userId = yield* Effect.flatMap(store.countAnswer(shown, mostAnswers), orOver)
        const proof = yield* codes
          .judge({ userId, code, client })
          .pipe(Effect.catchTag(["UserNotFound", "TotpIsOff"], () => Effect.fail(new ChallengeOver())))
        const session = yield* sessions.prepare(userId, client)
        const { sessionId } = session.tokens
        return Effect.gen(function* () {
          yield* codes.spend(userId, proof)
          if (!(yield* store.answer(shown))) return yield* new ChallengeOver()
          yield* lockouts.forget(userId, client)
          const user = yield* Effect.flatMap(users.find(userId), orOver)
          yield* session.save
          const method = proof._tag === "Step" ? LoginMethod.TOTP : LoginMethod.RECOVERY_CODE
          yield* events.append(userId, { case: "userLoggedIn", value: { userId, sessionId, method } })
          if (proof._tag === "Step") return { user, tokens: session.tokens, recoveryCodesLeft: undefined }
          const recoveryCodesLeft = yield* authenticators.countRecoveryCodes(userId)
          yield* mails.append(recipientOf(user), { kind: "recoveryCodeUsed", left: recoveryCodesLeft })
          return { user, tokens: session.tokens, recoveryCodesLeft }
        }).pipe(atomically)
      })

      return Challenges.of({ open, prepareAnswer })
    }),
  )
}

const orOver = <A>(row: Option.Option<A>) => Effect.fromOption(row, () => new ChallengeOver())
