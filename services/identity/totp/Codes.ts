/** Judging codes: of an authenticator, or a recovery code in its place. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { recoveryCodeDigest } from "#shared/crypto/RecoveryCode.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { isTotpCode, totpStepOf } from "#shared/crypto/Totp.ts"
import type { AccountLocked } from "../credentials/Lockout.ts"
import { Lockouts } from "../credentials/Lockouts.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import type { ClientInfo } from "../sessions/Session.ts"
import { type UserId, UserNotFound } from "../users/User.ts"
import {
  CodeRefused,
  type Enrolled,
  NotEnrolled,
  type Proof,
  recoveryCodeOwner,
  type StepProof,
  type StoredAuthenticator,
  secretPlace,
  TotpIsOff,
  TotpIsOn,
} from "./Authenticator.ts"
import { AuthenticatorStore } from "./AuthenticatorStore.ts"

/** A code that somebody typed for an account. */
export interface Typed {
  readonly userId: UserId
  readonly code: string
  readonly client: ClientInfo
}

type Refused = CodeRefused | UserNotFound | AccountLocked | DatabaseFailed

export class Codes extends Context.Service<
  Codes,
  {
    /**
     * Judges a code of an account that takes codes. A wrong one counts towards the lock-out, and so does one that was used
     * before. Guesses at one account are judged one after the other, so that many at a time are no more than that. Not to be
     * used within a transaction: a refusal must not take back what was counted.
     */
    readonly judge: (typed: Typed) => Effect.Effect<Proof, TotpIsOff | Refused>
    /** The same for the first code of an authenticator, which confirms its enrolment. */
    readonly judgeFirst: (typed: Typed) => Effect.Effect<StepProof, TotpIsOn | NotEnrolled | Refused>
    /** Uses up what was judged, in the transaction of what it is good for; refused where somebody was faster. */
    readonly spend: (userId: UserId, proof: Proof) => Effect.Effect<void, CodeRefused | DatabaseFailed>
  }
>()("identity/Codes") {
  static readonly layer = Layer.effect(
    Codes,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* AuthenticatorStore
      const lockouts = yield* Lockouts
      const sealer = yield* Sealer

      const judgeStep = Effect.fnUntraced(function* ({ userId, sealedSecret, lastStep }: Enrolled, code: string) {
        const place = secretPlace(userId)
        // What does not open was sealed with a key that is gone, or for another account.
        const secret = yield* Effect.orDie(sealer.open(sealedSecret, place))
        const step = yield* totpStepOf(secret, code)
        if (Option.isNone(step) || (lastStep !== null && step.value <= lastStep)) return Option.none()
        const resealed = sealer.needsResealing(sealedSecret) ? yield* sealer.seal(secret, place) : sealedSecret
        return Option.some<StepProof>({ _tag: "Step", sealedSecret, step: step.value, resealed })
      })

      const judgeEither = Effect.fnUntraced(function* (enrolled: Enrolled, code: string) {
        if (isTotpCode(code)) return yield* judgeStep(enrolled, code)
        const { userId } = enrolled
        const digest = recoveryCodeDigest(code, recoveryCodeOwner(userId))
        if (Option.isNone(digest) || !(yield* store.hasRecoveryCode(userId, digest.value))) return Option.none()
        return Option.some<Proof>({ _tag: "RecoveryCode", digest: digest.value })
      })

      /** Lets one code after the other be judged; a refusal is an outcome, since what it counts must be committed. */
      const oneByOne = <A, E>(
        { userId, code, client }: Typed,
        admit: (stored: StoredAuthenticator) => Effect.Effect<Enrolled, E>,
        judge: (enrolled: Enrolled, code: string) => Effect.Effect<Option.Option<A>, DatabaseFailed>,
      ) =>
        Effect.gen(function* () {
          const account = { _tag: "Account", userId } as const
          const stored = yield* Effect.flatMap(store.lock(userId), (row) =>
            Effect.fromOption(row, () => new UserNotFound()),
          )
          const enrolled = yield* admit(stored)
          yield* lockouts.refuseLocked(account, client)
          const proof = yield* judge(enrolled, code)
          if (Option.isSome(proof)) return Result.succeed(proof.value)
          yield* lockouts.countFailure(account, client)
          return Result.fail(new CodeRefused())
        }).pipe(atomically, Effect.flatMap(Effect.fromResult))

      const spend = Effect.fnUntraced(function* (userId: UserId, proof: Proof) {
        // The account first, as everywhere: two calls at a time must not wait for each other.
        yield* store.lock(userId)
        const spent =
          proof._tag === "Step"
            ? yield* store.acceptStep(userId, proof)
            : yield* store.useRecoveryCode(userId, proof.digest)
        if (!spent) return yield* new CodeRefused()
      })

      return Codes.of({
        judge: (typed) => oneByOne(typed, enrolledAndOn, judgeEither),
        judgeFirst: (typed) => oneByOne(typed, enrolledAndOff, judgeStep),
        spend,
      })
    }),
  )
}

const enrolledAndOn = ({
  sealedSecret,
  enabled,
  ...stored
}: StoredAuthenticator): Effect.Effect<Enrolled, TotpIsOff> =>
  enabled && sealedSecret !== null ? Effect.succeed({ ...stored, sealedSecret }) : Effect.fail(new TotpIsOff())

const enrolledAndOff = ({
  sealedSecret,
  enabled,
  ...stored
}: StoredAuthenticator): Effect.Effect<Enrolled, TotpIsOn | NotEnrolled> => {
  if (enabled) return Effect.fail(new TotpIsOn())
  return sealedSecret === null ? Effect.fail(new NotEnrolled()) : Effect.succeed({ ...stored, sealedSecret })
}
