/** What we write to people: plain text, so that every mail program shows it and nothing in it loads anything. */
import * as Redacted from "effect/Redacted"

export type Letter =
  | { readonly kind: "emailVerification"; readonly token: Redacted.Redacted<string> }
  | { readonly kind: "passwordReset"; readonly token: Redacted.Redacted<string> }
  | { readonly kind: "passwordChanged" }
  /** Somebody wanted to sign up with an address that has an account. */
  | { readonly kind: "addressTaken" }
  | { readonly kind: "totpEnabled" }
  | { readonly kind: "totpDisabled" }
  /** Turned off by somebody who may do so for others. */
  | { readonly kind: "totpReset" }
  | { readonly kind: "recoveryCodesReplaced" }
  | { readonly kind: "recoveryCodeUsed"; readonly left: number }
  /** To an address that need not have an account. Without a name where the name is not fit for a mail. */
  | {
      readonly kind: "organizationInvitation"
      readonly token: Redacted.Redacted<string>
      readonly organization: string | undefined
    }

export type LetterKind = Letter["kind"]

export interface LetterText {
  readonly subject: string
  readonly text: string
}

/** The letter in words; its links lead below `base`, to pages that take the token from the query. */
export const write = (letter: Letter, base: URL): LetterText => {
  switch (letter.kind) {
    case "emailVerification":
      return {
        subject: "Verify your e-mail address",
        text: paragraphs(
          "Open this link to show that this address is yours:",
          link(base, "verify-email", letter.token),
          "It works for 24 hours, and no longer than until you ask for another one.",
          "If you have not signed up, ignore this mail: without the link the address stays unverified.",
        ),
      }
    case "passwordReset":
      return {
        subject: "Choose a new password",
        text: paragraphs(
          "Somebody, hopefully you, asked for a new password for your account. Open this link to choose one:",
          link(base, "reset-password", letter.token),
          "It works once, for one hour.",
          "If it was not you, ignore this mail: your password stays as it is.",
        ),
      }
    case "passwordChanged":
      return {
        subject: "Your password was changed",
        text: paragraphs(
          "The password of your account was changed, and other devices were signed out.",
          "If it was not you, choose a new password at once:",
          link(base, "forgot-password"),
        ),
      }
    case "addressTaken":
      return {
        subject: "You have an account already",
        text: paragraphs(
          "Somebody, perhaps you, tried to sign up with this address, which has an account already. No other was made.",
          "If it was you, sign in, or choose a new password:",
          link(base, "forgot-password"),
          "If it was not you, there is nothing to do: nobody was told that you have an account.",
        ),
      }
    case "totpEnabled":
      return {
        subject: "Signing in takes a code from now on",
        text: paragraphs(
          "An authenticator was set up for your account: signing in takes one of its codes beside your password.",
          "Keep the recovery codes where you find them without your authenticator.",
          ...ifNotYou(base),
        ),
      }
    case "totpDisabled":
      return {
        subject: "Signing in takes no code any more",
        text: paragraphs(
          "Codes were turned off for your account: your password alone opens it now.",
          ...ifNotYou(base),
        ),
      }
    case "totpReset":
      return {
        subject: "Your authenticator was reset",
        text: paragraphs(
          "Codes were turned off for your account by those who look after it, because authenticator and recovery codes were lost.",
          "Your password alone opens the account now, until you set up an authenticator again.",
          ...ifNotYou(base),
        ),
      }
    case "recoveryCodesReplaced":
      return {
        subject: "Your recovery codes were replaced",
        text: paragraphs("New recovery codes were made; the earlier ones do not work any more.", ...ifNotYou(base)),
      }
    case "recoveryCodeUsed":
      return {
        subject: "A recovery code was used",
        text: paragraphs(
          "Somebody, hopefully you, signed in to your account with a recovery code in place of an authenticator.",
          `Recovery codes that are left: ${letter.left}. You can make new ones at any time.`,
          ...ifNotYou(base),
        ),
      }
    case "organizationInvitation":
      return {
        subject: "You are invited to an organization",
        text: paragraphs(
          letter.organization === undefined
            ? "Somebody wants you to become a member of their organization."
            : `Somebody wants you to become a member of their organization "${letter.organization}".`,
          "Open this link to accept, signed in to an account with this e-mail address:",
          link(base, "accept-invitation", letter.token),
          "It works for 7 days, and no longer than until you are invited again.",
          "If you do not know what this is about, ignore this mail: nothing happens without you.",
        ),
      }
  }
}

const ifNotYou = (base: URL): ReadonlyArray<string> => [
  "If it was not you, choose a new password at once:",
  link(base, "forgot-password"),
]

const paragraphs = (...all: ReadonlyArray<string>): string => `${all.join("\n\n")}\n`

const link = (base: URL, page: string, token?: Redacted.Redacted<string>): string => {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${page}`
  if (token !== undefined) url.searchParams.set("token", Redacted.value(token))
  return url.href
}
