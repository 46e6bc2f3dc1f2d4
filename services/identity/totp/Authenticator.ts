/** The second factor of an account: an authenticator that shows codes, and recovery codes for when it is lost. */
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { UserId } from "../users/User.ts"

/** How many recovery codes there are at first. */
export const recoveryCodeCount = 10

/** What an account's secret is sealed for, so that it opens in no other row. */
export const secretPlace = (id: UserId): string => `user/${id}/totp`

/** Whose recovery codes they are: the same code is another one elsewhere. */
export const recoveryCodeOwner = (id: UserId): string => `user/${id}`

/** What is stored of an account's authenticator. */
export interface StoredAuthenticator {
  readonly userId: UserId
  /** Null: no enrolment was started. */
  readonly sealedSecret: string | null
  /** False with a secret: the enrolment was not confirmed. */
  readonly enabled: boolean
  /** The last step whose code was accepted; null: none was. */
  readonly lastStep: number | null
}

/** An authenticator that has a secret, confirmed or not. */
export interface Enrolled {
  readonly userId: UserId
  readonly sealedSecret: string
  readonly lastStep: number | null
}

/** A code that an authenticator showed during a step that was not used. */
export interface StepProof {
  readonly _tag: "Step"
  readonly step: number
  /** The secret as it is stored. */
  readonly sealedSecret: string
  /** The secret as it is to be stored from now on: sealed with the key of today. */
  readonly resealed: string
}

/** A code that was right. It may have been used by somebody faster when it comes to be spent. */
export type Proof = StepProof | { readonly _tag: "RecoveryCode"; readonly digest: Uint8Array }

/** What the person must tell their authenticator; shown once. */
export interface Enrolment {
  readonly secret: Redacted.Redacted<string>
  readonly uri: Redacted.Redacted<string>
  readonly qrCodeSvg: Redacted.Redacted<string>
}

/** The code is wrong, or was used before: nobody is told which. */
export class CodeRefused extends Schema.TaggedError<CodeRefused>()("CodeRefused", {}) {}

/** The account takes codes already. */
export class TotpIsOn extends Schema.TaggedError<TotpIsOn>()("TotpIsOn", {}) {}

/** The account takes no codes. */
export class TotpIsOff extends Schema.TaggedError<TotpIsOff>()("TotpIsOff", {}) {}

/** There is no enrolment that could be confirmed. */
export class NotEnrolled extends Schema.TaggedError<NotEnrolled>()("NotEnrolled", {}) {}
