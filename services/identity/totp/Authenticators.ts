/** Turning the second factor of an account on and off. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { newRecoveryCode, recoveryCodeDigest } from "#shared/crypto/RecoveryCode.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { newTotpSecret, totpEnrolment } from "#shared/crypto/Totp.ts"
import type { AccountLocked } from "../credentials/Lockout.ts"
import { Lockouts } from "../credentials/Lockouts.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import type { LetterKind } from "../mail/Letter.ts"
import { Mails, recipientOf } from "../mail/Mails.ts"
import { type UserId, UserNotFound } from "../users/User.ts"
import { UserStore } from "../users/UserStore.ts"
import {
  type CodeRefused,
  type Enrolment,
  type NotEnrolled,
  recoveryCodeCount,
  recoveryCodeOwner,
  secretPlace,
  type TotpIsOff,
  TotpIsOn,
} from "./Authenticator.ts"
import { AuthenticatorStore } from "./AuthenticatorStore.ts"
import { Codes, type Typed } from "./Codes.ts"

/** Shown once. */
export type RecoveryCodes = ReadonlyArray<Redacted.Redacted<string>>

/** What the person is told of by mail. */
type Told = Extract<LetterKind, "totpEnabled" | "totpDisabled" | "totpReset" | "recoveryCodesReplaced">

type Refused = CodeRefused | AccountLocked | DatabaseFailed
/** The code was judged, and nothing has happened yet: it does in one transaction, or in the one that the caller runs in. */
type Prepared<A, E> = Effect.Effect<Effect.Effect<A, E | Refused>, E | UserNotFound | Refused>

export class Authenticators extends Context.Service<
  Authenticators,
  {
    /** Makes a secret in place of one that was not confirmed. */
    readonly enroll: (id: UserId) => Effect.Effect<Enrolment, UserNotFound | TotpIsOn | DatabaseFailed>
    /** Makes ready what turns codes on. */
    readonly prepareConfirm: (typed: Typed) => Prepared<RecoveryCodes, TotpIsOn | NotEnrolled>
    /** Makes ready what turns codes off. */
    readonly prepareDisable: (typed: Typed) => Prepared<void, TotpIsOff>
    /** Makes ready what replaces the recovery codes. */
    readonly prepareRecoveryCodes: (typed: Typed) => Prepared<RecoveryCodes, TotpIsOff>
    /** Turns codes off for a person who has none left; false where they were off. */
    readonly reset: (id: UserId) => Effect.Effect<boolean, UserNotFound | DatabaseFailed>
  }
>()("identity/Authenticators") {
  /** `issuer` is what authenticators show beside the account. */
  static readonly layer = ({ issuer }: { readonly issuer: string }) =>
    Layer.effect(
      Authenticators,
      Effect.gen(function* () {
        const { atomically } = yield* TransactionStore
        const store = yield* AuthenticatorStore
        const users = yield* UserStore
        const codes = yield* Codes
        const lockouts = yield* Lockouts
        const mails = yield* Mails
        const sealer = yield* Sealer

        const found = <A>(row: Option.Option<A>) => Effect.fromOption(row, () => new UserNotFound())

        const enroll = Effect.fn("Authenticators.enroll")(function* (id: UserId) {
          const user = yield* Effect.flatMap(users.find(id), found)
          const secret = yield* newTotpSecret
          const sealed = yield* sealer.seal(secret, secretPlace(id))
          if (!(yield* store.enroll(id, sealed))) return yield* new TotpIsOn()
          return { secret, ...totpEnrolment(secret, { issuer, account: user.email ?? user.username ?? "" }) }
        })

        /** Tells the person by mail, in the transaction of what they are told of. */
        const tell = (id: UserId, kind: Told) =>
          Effect.flatMap(users.find(id), (user) =>
            Option.isSome(user) ? mails.append(recipientOf(user.value), { kind }) : Effect.void,
          )

        const newRecoveryCodes = Effect.fnUntraced(function* (id: UserId) {
          const made = yield* Effect.forEach(Array.from({ length: recoveryCodeCount }), () => newRecoveryCode)
          const owner = recoveryCodeOwner(id)
          const digests = made.map((code) => Option.getOrThrow(recoveryCodeDigest(Redacted.value(code), owner)))
          yield* store.replaceRecoveryCodes(id, digests)
          return made
        })

        const prepareConfirm = Effect.fn("Authenticators.prepareConfirm")(function* (typed: Typed) {
          const { userId } = typed
          const proof = yield* codes.judgeFirst(typed)
          return Effect.gen(function* () {
            if (!(yield* store.enable(userId, proof))) return yield* new TotpIsOn()
            yield* tell(userId, "totpEnabled")
            return yield* newRecoveryCodes(userId)
          }).pipe(atomically)
        })

        /** Judges a code, and makes ready what it is good for. */
        const proved = <A>(typed: Typed, then: Effect.Effect<A, DatabaseFailed>, told: Told) =>
          Effect.map(codes.judge(typed), (proof) =>
            Effect.gen(function* () {
              yield* codes.spend(typed.userId, proof)
              yield* lockouts.forget(typed.userId, typed.client)
              yield* tell(typed.userId, told)
              return yield* then
            }).pipe(atomically),
          )

        const reset = Effect.fn("Authenticators.reset")(function* (id: UserId) {
          yield* Effect.flatMap(users.findForUpdate(id), found)
          const wasOn = yield* store.remove(id)
          if (wasOn) yield* tell(id, "totpReset")
          return wasOn
        }, atomically)

        return Authenticators.of({
          enroll,
          prepareConfirm,
          prepareDisable: (typed) => proved(typed, Effect.asVoid(store.remove(typed.userId)), "totpDisabled"),
          prepareRecoveryCodes: (typed) => proved(typed, newRecoveryCodes(typed.userId), "recoveryCodesReplaced"),
          reset,
        })
      }),
    )
}
