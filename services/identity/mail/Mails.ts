/** Writing to people: a mail is part of the transaction that causes it, and on its way when that commits. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { newUuid } from "#shared/ids/Id.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import type { User, UserId } from "../users/User.ts"
import { type Letter, type LetterKind, write } from "./Letter.ts"
import { MailStore } from "./MailStore.ts"

/** So many letters of a kind go to a person within an hour: who asks for them need not be that person. */
const mostPerHour: Readonly<Record<LetterKind, number>> = {
  emailVerification: 5,
  passwordReset: 5,
  addressTaken: 2,
  passwordChanged: Number.POSITIVE_INFINITY,
  totpEnabled: Number.POSITIVE_INFINITY,
  totpDisabled: Number.POSITIVE_INFINITY,
  totpReset: Number.POSITIVE_INFINITY,
  recoveryCodesReplaced: Number.POSITIVE_INFINITY,
  recoveryCodeUsed: Number.POSITIVE_INFINITY,
  // Those who invite are counted, by the class of the rpc; whom they invite need not have an account.
  organizationInvitation: Number.POSITIVE_INFINITY,
}

/** What is sealed of a mail. */
export const MailContent = Schema.fromJsonString(
  Schema.Struct({ to: Schema.String, subject: Schema.String, text: Schema.String }),
)

/** Where the content of a mail belongs, for its seal. */
export const mailPlace = (id: string): string => `mail/${id}`

/** To whom a letter goes; `nobody` takes as long to write to. */
export interface Recipient {
  readonly userId: UserId | null
  readonly address: Redacted.Redacted<string>
}

export const nobody: Recipient = { userId: null, address: Redacted.make("") }

/** A person who can be written to as long as they are not erased. */
export const recipientOf = ({ id, email }: User): Recipient =>
  email === null ? nobody : { userId: id, address: Redacted.make(email) }

export class Mails extends Context.Service<
  Mails,
  {
    /** Adds the letter to the transaction that it runs in. It is of no use after its lifetime (unset: a day). */
    readonly append: (
      to: Recipient,
      letter: Letter,
      lifetime?: Duration.Duration,
    ) => Effect.Effect<void, DatabaseFailed>
    /** Whether the person may get one more letter of this kind now. */
    readonly mayWrite: (to: Recipient, kind: LetterKind) => Effect.Effect<boolean, DatabaseFailed>
  }
>()("identity/Mails") {
  static readonly layer = (options: { readonly mailLinkUrl: URL }) =>
    Layer.effect(
      Mails,
      Effect.gen(function* () {
        const store = yield* MailStore
        const sealer = yield* Sealer
        const encode = Schema.encodeSync(MailContent)

        return Mails.of({
          append: Effect.fnUntraced(function* ({ userId, address }, letter, lifetime = Duration.days(1)) {
            const id = yield* newUuid
            const content = encode({ to: Redacted.value(address), ...write(letter, options.mailLinkUrl) })
            const sealed = yield* sealer.seal(Redacted.make(content), mailPlace(id))
            yield* store.insert({ id, kind: letter.kind, userId, sealed, lifetime })
          }),
          mayWrite: ({ userId }, kind) =>
            Effect.map(
              store.countRecent(userId, kind, Duration.hours(1)),
              (count) => userId !== null && count < mostPerHour[kind],
            ),
        })
      }),
    )
}
