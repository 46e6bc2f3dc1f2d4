/** What people sign up and in with, and what they get for it. */
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ClientInfo, Tokens } from "../sessions/Session.ts"
import type { Asker, Challenge } from "../totp/Challenge.ts"
import type { User } from "../users/User.ts"

/** A user and their new session. */
export interface SignedIn {
  readonly user: User
  readonly tokens: Tokens
}

/** A new user. Their first session is undefined where their address must be verified before they sign in. */
export interface SignedUp {
  readonly user: User
  readonly tokens: Tokens | undefined
}

/** Who gets a session. */
export interface VerificationPolicy {
  /** True: only who has shown that mail to their address reaches them. Sessions that began without go on. */
  readonly requireVerifiedEmail: boolean
}

export interface SignUpForm {
  /** Undefined: the account gets its own id as its username, `usr_…`, which is free and tells nothing of the person. */
  readonly username: string | undefined
  readonly email: string
  readonly password: Redacted.Redacted<string>
  /** Empty: not given. */
  readonly displayName: string
  readonly client: ClientInfo
}

/** What a right password is good for: a session, or where the account takes codes, half of one. */
export type SignIn =
  | { readonly _tag: "SignedIn"; readonly signedIn: SignedIn }
  | { readonly _tag: "Challenged"; readonly challenge: Challenge }

export interface SignInForm extends Asker {
  /** E-mail address or username, in any case: no username has the @ of an address. */
  readonly identifier: string
  readonly password: Redacted.Redacted<string>
}

/** The password is right; the address of the account must be verified first. */
export class EmailUnverified extends Schema.TaggedError<EmailUnverified>()("EmailUnverified", {}) {}

/** No account, or another password, or suspended: nobody is told which. */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>()("InvalidCredentials", {}) {}
