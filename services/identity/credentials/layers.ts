/** The layers of signing up and in, of passwords, and of the mails that come with them. */
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { Mailer } from "#shared/mail/Mailer.ts"
import * as MailSender from "../mail/MailSender.ts"
import { MailStore } from "../mail/MailStore.ts"
import { Mails } from "../mail/Mails.ts"
import * as Totp from "../totp/layers.ts"
import { AddressStore } from "./AddressStore.ts"
import type { VerificationPolicy } from "./Credential.ts"
import { CredentialStore } from "./CredentialStore.ts"
import { Credentials } from "./Credentials.ts"
import { EmailVerificationStore } from "./EmailVerificationStore.ts"
import { EmailVerifications } from "./EmailVerifications.ts"
import { LockoutStore } from "./LockoutStore.ts"
import { Lockouts } from "./Lockouts.ts"
import { PasswordChanges } from "./PasswordChanges.ts"
import { PasswordCheck } from "./PasswordCheck.ts"
import { PasswordResetStore } from "./PasswordResetStore.ts"
import { SignUps } from "./SignUps.ts"

export interface MailConfig {
  /** None: no mail is sent. */
  readonly smtpUrl: Option.Option<Redacted.Redacted<string>>
  /** Who the mails are from. */
  readonly mailFrom: string
  /** Where the pages are that the links of mails lead to. */
  readonly mailLinkUrl: URL
}

const stores = Layer.mergeAll(
  AddressStore.layer,
  CredentialStore.layer,
  EmailVerificationStore.layer,
  LockoutStore.layer,
  PasswordResetStore.layer,
)

const sending = ({ smtpUrl, mailFrom: from }: MailConfig) =>
  Option.match(smtpUrl, {
    onNone: () => MailSender.layerNone,
    onSome: (url) => Layer.provide(MailSender.layer, Mailer.layer({ url, from })),
  })

/** What everybody may use who writes to people, or judges what they say they know. */
const foundations = (config: MailConfig) =>
  PasswordCheck.layer.pipe(
    Layer.provideMerge(Lockouts.layer),
    Layer.provideMerge(Mails.layer(config)),
    Layer.merge(sending(config)),
    Layer.provide(MailStore.layer),
  )

export const layer = (config: MailConfig & VerificationPolicy & Totp.TotpConfig) =>
  Layer.mergeAll(Credentials.layer(config), PasswordChanges.layer, SignUps.layer(config)).pipe(
    Layer.provideMerge(EmailVerifications.layer),
    Layer.provideMerge(Totp.layer(config)),
    Layer.provideMerge(foundations(config)),
    Layer.provide(stores),
  )
